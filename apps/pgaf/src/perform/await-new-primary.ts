import { EXIT, PgafError } from '@pgaf/core/errors';
import type { CommandSession } from '../command-session.js';
import type { CommandContext } from '../command-spec.js';
import type { StateNews } from '../output/notification-table.js';
import { followNews, type Member, type News, type WaitFlags } from './group-news.js';
import { switchoverEnd, type TakeOver } from './switchover-end.js';

/**
 * Prints every change of state until a new primary stands, or as much of one as is enough.
 * @throws PgafError `no-primary-yet`, `switchover-given-up`, `monitor-lost`.
 */
export async function awaitNewPrimary(
  asker: CommandSession,
  news: News,
  members: readonly Member[],
  flags: WaitFlags,
  context: CommandContext,
  enough: TakeOver,
): Promise<void> {
  const old = members.find((node) => node.leader)?.id;
  const ended = await followNews(news, members, flags, context, switchoverEnd(old, enough));
  if (ended?.end === 'done') {
    if (ended.last.reportedState === 'wait_primary')
      context.log.warn(
        `${ended.last.name} has taken over, and no standby acknowledges its commits yet; \`pgaf explain\` says what to do`,
      );
    return;
  }
  if (ended?.end === 'given-up') throw await givenUp(asker, ended.last);
  throw new PgafError(`No new primary within ${flags.wait} s.`, {
    code: 'no-primary-yet',
    exit: EXIT.internal,
    hint: 'It goes on without this command; `pgaf explain` says what it waits for.',
  });
}

/** With the reason that its keeper gave, which is its latest of that kind. */
async function givenUp(asker: CommandSession, { name, nodeId }: StateNews): Promise<PgafError> {
  const [event] = await asker.query<{ description: string }>(
    `SELECT description FROM pgautofailover.event WHERE nodeid = $1 AND rule = 'keeper.giveUp'
      ORDER BY eventid DESC LIMIT 1`,
    [nodeId],
  );
  const why = event === undefined ? '.' : `: ${event.description}.`;
  return new PgafError(`The switchover was given up, ${name} stays primary${why}`, {
    code: 'switchover-given-up',
    exit: EXIT.internal,
    hint: 'Try again when that is mended, or with --force where it is a transaction of a client; `pgaf show events` says what came before.',
  });
}
