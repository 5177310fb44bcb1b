import type { Milliseconds } from '@pgaf/core/durations';
import { done, type KeeperContext, type Outcome } from '@pgaf/plugin-api';

/** A commit that takes longer waits for a node that is silent, and so would the switchover. */
const LONGEST_WAIT: Milliseconds = 500;
/** Postgres ends its clients long before; should it not be stopped after all, commits go on by then. */
const HELD_FOR: Milliseconds = 2000;
const SETTINGS = `
SELECT set_config('lock_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $2, true)`;
/**
 * Of clients, here and of other nodes. A commit that waits for a standby has its locks no more to lose, and is let go on: it
 * would be seen by others before it is safe.
 */
const END_CLIENTS = `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend'
   AND application_name <> current_setting('application_name') AND wait_event IS DISTINCT FROM 'SyncRep'`;

/**
 * Before a coordinator stops in good order: no transaction is prepared on other nodes and not committed there. One that the
 * stop cuts off in between keeps its locks until the new primary has found and ended it, and its rows are lost to all clients
 * for as long.
 *
 * Citus records a transaction in `pg_dist_transaction` before it prepares it anywhere, and has that table locked until it
 * is committed everywhere (`StartRemoteTransactionPrepare` and `LogTransactionRecord` of Citus 13.0). Once this lock is had,
 * none is under way, and who waits for it has prepared nothing. The stop ends all sessions in any order; so clients are told
 * first, while the lock is held, that their sessions end: nobody who has waited goes on when ours does.
 */
export async function holdCommits({
  sql,
  log,
  signal,
}: Pick<KeeperContext, 'sql' | 'log' | 'signal'>): Promise<Outcome> {
  try {
    const session = await sql.session();
    const letGo = () => void session.close();
    signal.addEventListener('abort', letGo, { once: true });
    try {
      await session.query('BEGIN');
      await session.query(SETTINGS, [`${LONGEST_WAIT}ms`, `${HELD_FOR}ms`]);
      await session.query('LOCK TABLE pg_dist_transaction IN SHARE ROW EXCLUSIVE MODE');
      await session.query(END_CLIENTS);
    } catch (error) {
      letGo();
      throw error;
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log(`What is prepared on other nodes may be left to the next primary: ${why}`);
  }
  return done;
}
