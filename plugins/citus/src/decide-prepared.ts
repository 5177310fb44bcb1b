import { whyNoAnswer, type GroupPlace, type PlaceAnswer } from './prepared-question.js';

/** A transaction that is prepared at a place. */
export interface PreparedThere {
  readonly place: GroupPlace;
  readonly gid: string;
}

/** How one ends. */
export interface Ending extends PreparedThere {
  readonly command: string;
}

/** As Citus names them, which says where it began and by which process, the number of its transaction, and which part it is. */
const GID = /^citus_\d+_\d+_(\d+)_\d+$/;

/**
 * Which records of `pg_dist_transaction` have served: those of these groups that are of none of these gids, and were there
 * before the places were asked.
 *
 * Invariant: a record goes only when nothing is prepared any more that it is of. It is visible when the transaction has
 * committed here, which is after all its parts were prepared; so a part that its group’s primary does not have later has
 * ended. Whoever may answer for that primary is none: a standby, another group’s, nobody.
 */
export function servedRecords(answers: readonly PlaceAnswer[]): {
  readonly groups: readonly number[];
  readonly except: readonly string[];
} {
  return {
    groups: answers.filter((answer) => whyNoAnswer(answer) === null).map(({ place }) => place.group),
    except: allPrepared(answers).map(({ gid }) => gid),
  };
}

/**
 * What is prepared and of no transaction that is under way here: whoever prepared it does no more about it. What has another
 * name than Citus gives is somebody’s own, and left alone.
 * @param underWay the numbers of transactions, as they were seen after the answers came.
 */
export function leftPrepared(
  answers: readonly PlaceAnswer[],
  underWay: ReadonlySet<string>,
): readonly PreparedThere[] {
  return allPrepared(answers).filter(({ gid }) => {
    const number = GID.exec(gid)?.[1];
    return number !== undefined && !underWay.has(number);
  });
}

/**
 * How those end that are still there.
 *
 * Invariant: what has committed here is committed there, and only what has not is rolled back. Once a transaction is no
 * longer under way, its record is there or never will be, and it is there for as long as a part is prepared (see above).
 * Neither depends on `pg_dist_node`: the record is looked for by its gid in all groups, and nothing else has that name;
 * where a place is another one by now, there is nothing to end, or that very part.
 * @param committed the gids that have a record, as they were seen after it was known which transactions are under way.
 * @param again what the places said after that: most have been ended meanwhile by whoever prepared them.
 */
export function endingsOf(
  left: readonly PreparedThere[],
  committed: ReadonlySet<string>,
  again: readonly PlaceAnswer[],
): readonly Ending[] {
  const still = new Set(allPrepared(again).map(({ gid }) => gid));
  return left
    .filter(({ gid }) => still.has(gid))
    .map(({ place, gid }) => ({
      place,
      gid,
      command: `${committed.has(gid) ? 'COMMIT' : 'ROLLBACK'} PREPARED '${gid}'`,
    }));
}

function allPrepared(answers: readonly PlaceAnswer[]): PreparedThere[] {
  return answers.flatMap((answer) =>
    answer.tag === 'primary' ? answer.prepared.map((gid) => ({ place: answer.place, gid })) : [],
  );
}
