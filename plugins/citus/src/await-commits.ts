import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import type { KeeperContext } from '@pgaf/plugin-api';

const BETWEEN_LOOKS: Milliseconds = 20;
/** A standby that is lost is waited for no more by then. */
const PATIENCE: Milliseconds = 5000;

const WAITING = `
SELECT format('%s %s', pid, xact_start) AS one
  FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'`;

/**
 * Waits until the commits that wait for a standby now have been confirmed, or for some seconds, or until the keeper ends.
 * They hold locks that a move needs, which ends who does; and what is ended there is committed, but its client hears of no
 * success, and should this node be lost with it, other nodes may have a part of it. A move is a commit as well, which waits
 * for the same standby.
 */
export async function awaitCommits({
  sql,
  log,
  signal,
}: Pick<KeeperContext, 'sql' | 'log' | 'signal'>): Promise<'waited' | 'nothing to wait for'> {
  const until = performance.now() + PATIENCE;
  const look = async () => (await sql.query<{ one: string }>(WAITING)).map(({ one }) => one);
  let waiting = await look();
  if (waiting.length === 0) return 'nothing to wait for';
  let logged = false;
  while (waiting.length > 0 && performance.now() < until && !signal.aborted) {
    await pause(BETWEEN_LOOKS);
    const now = await look();
    waiting = waiting.filter((one) => now.includes(one));
    if (waiting.length > 0 && !logged) {
      log(`A move waits for ${waiting.length} commits, which wait for a standby`);
      logged = true;
    }
  }
  return 'waited';
}
