import { EXIT, PgafError } from '@pgaf/core/errors';
import type { CommandSession } from '../command-session.js';
import type { CommandContext } from '../command-spec.js';
import { notificationTable, type StateNews } from '../output/notification-table.js';
import { labelOf } from '../show/node-labels.js';
import { changedStates } from './changed-states.js';

export interface WaitFlags {
  /** Seconds; 0 does not wait. */
  readonly wait: number;
  readonly json: boolean;
}

/** A node of the formation that a command is about. */
export interface Member {
  readonly group: number;
  readonly id: number;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly kind: string;
  readonly leader: boolean;
}

export function membersOf(session: CommandSession, formation: string): Promise<Member[]> {
  return session.query<Member>(
    `SELECT groupid AS "group", nodeid::int AS id, nodename AS name, nodehost AS host, nodeport AS port, kind,
            nodeid IS NOT DISTINCT FROM leader AS leader
       FROM pgautofailover.node JOIN pgautofailover.formation USING (formationid)
            LEFT JOIN pgautofailover.group_state USING (formationid, groupid)
      WHERE formationid = $1 ORDER BY groupid, nodeid`,
    [formation],
  );
}

/** What is announced about the group from now on, in order; nothing is lost between two reads. */
export interface News {
  /** Null when nothing is announced within the time. @throws PgafError `monitor-lost`. */
  next(within: number): Promise<StateNews | null>;
}

export async function newsOf(session: CommandSession, formation: string, group: number): Promise<News> {
  const queue: StateNews[] = [];
  let wake: () => void = () => undefined;
  let isLost = false;
  session.onLost(() => {
    isLost = true;
    wake();
  });
  await session.listen('state', (payload) => {
    const news = JSON.parse(payload) as StateNews & { type: string; formation: string };
    if (news.type !== 'state' || news.formation !== formation || news.groupId !== group) return;
    queue.push(news);
    wake();
  });
  return {
    async next(within) {
      if (queue.length === 0 && !isLost) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, within);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      const one = queue.shift();
      if (one === undefined && isLost) throw monitorLost();
      return one ?? null;
    },
  };
}

/** What a line of news means to who waits. */
export type Meaning = 'done' | 'given-up' | 'under-way';

/**
 * Prints every change of state until one says that it is over. Null when none did within the time.
 * @throws PgafError `monitor-lost`.
 */
export async function followNews(
  news: News,
  members: readonly Member[],
  { wait, json }: WaitFlags,
  context: CommandContext,
  meaningOf: (news: StateNews) => Meaning,
): Promise<{ readonly end: 'done' | 'given-up'; readonly last: StateNews } | null> {
  const table = notificationTable(members, labelOf(members[0]?.kind, context));
  const print = (line: string): void => context.print(`${line}\n`);
  if (!json) context.log.info('Following table displays times when notifications are received');
  if (!json) table.header.forEach(print);
  const isChange = changedStates();
  const deadline = performance.now() + wait * 1000;
  for (;;) {
    const left = deadline - performance.now();
    const one = left > 0 ? await news.next(left) : null;
    if (!one) return null;
    if (json) print(JSON.stringify(one));
    else if (isChange(one)) print(table.row(new Date(), one));
    const end = meaningOf(one);
    if (end !== 'under-way') return { end, last: one };
  }
}

function monitorLost(): PgafError {
  return new PgafError('The monitor went away while this command waited.', {
    code: 'monitor-lost',
    exit: EXIT.monitor,
    hint: 'What was ordered goes on when the monitor is back; `pgaf show state` says how far it is.',
  });
}
