import { hostAndPort } from '@pgaf/core/host-and-port';

/** Where `pg_dist_node` says that the primary of a group is. */
export interface GroupPlace {
  readonly group: number;
  readonly host: string;
  readonly port: number;
}

/** What was heard of the transactions that are prepared at a place and began in the group that asks, by their gids. */
export type PlaceAnswer =
  | { readonly tag: 'silent'; readonly place: GroupPlace; readonly why: string }
  | { readonly tag: 'standby'; readonly place: GroupPlace }
  | {
      readonly tag: 'primary';
      readonly place: GroupPlace;
      /** The group that the place says it is of. */
      readonly ofGroup: number;
      readonly prepared: readonly string[];
    };

/** What came back from a place. */
export interface PlaceReply {
  readonly success: boolean;
  readonly result: string;
}

interface Said {
  readonly group: number;
  /** Of a standby null: what is prepared is not in its `pg_prepared_xacts` before it is promoted. */
  readonly prepared: readonly string[] | null;
}

/**
 * One statement, as Citus has it answered by one process. That one is of a primary before it looks at what is prepared,
 * and so it is of one while it does: no primary becomes a standby without an end of all its processes, and a standby has
 * what was prepared in its list before it says that it is a primary.
 */
export function preparedQuestion(ownGroup: number): string {
  return `SELECT json_build_object(
    'group', (SELECT groupid FROM pg_dist_local_group),
    'prepared', CASE WHEN pg_is_in_recovery() THEN NULL
                     ELSE (SELECT coalesce(json_agg(gid), '[]') FROM pg_prepared_xacts
                            WHERE starts_with(gid, 'citus_${ownGroup}_') AND database = current_database())
                END)`;
}

export function answerOf(place: GroupPlace, reply: PlaceReply | undefined): PlaceAnswer {
  if (!reply?.success) {
    return { tag: 'silent', place, why: reply?.result ?? 'nothing came back' };
  }
  const { group, prepared } = JSON.parse(reply.result) as Said;
  if (prepared === null) return { tag: 'standby', place };
  return { tag: 'primary', place, ofGroup: group, prepared };
}

/** Why the answer says nothing of the group whose primary should be there; null when it does. */
export function whyNoAnswer(answer: PlaceAnswer): string | null {
  const { group, host, port } = answer.place;
  const where = hostAndPort(host, port);
  switch (answer.tag) {
    case 'silent':
      return `what is left prepared in group ${group} waits for ${where}: ${answer.why}`;
    case 'standby':
      return `what is left prepared in group ${group} waits for its primary: ${where} in pg_dist_node is a standby`;
    case 'primary':
      return answer.ofGroup === group
        ? null
        : `what is left prepared in group ${group} waits for its primary: ${where} in pg_dist_node is of group ${answer.ofGroup}`;
  }
}
