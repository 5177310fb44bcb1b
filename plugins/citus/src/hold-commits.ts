import type { Milliseconds } from '@pgaf/core/durations';
import { done, type LocalContext, type Outcome, type SqlSession } from '@pgaf/plugin-api';

/** A commit that takes longer waits for a node that is silent, and so would the switchover. */
const LONGEST_WAIT: Milliseconds = 500;
/** Postgres ends its clients long before; should it not be stopped after all, commits go on by then. */
const HELD_FOR: Milliseconds = 2000;
/** A vacuum of the table gives way to who waits for as long as it takes to look for a deadlock. */
const LOOK_FOR_DEADLOCK: Milliseconds = 50;
const SETTINGS = `
SELECT set_config('lock_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $2, true),
       set_config('deadlock_timeout', $3, true)`;
/**
 * Of clients, here and of other nodes; ours name themselves so. One that waits for a standby is let go on, as its commit
 * would be seen by others before it is safe; it is none of several nodes, which has the lock for as long.
 */
const END_CLIENTS = `
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend'
   AND application_name NOT LIKE 'pgaf%' AND wait_event IS DISTINCT FROM 'SyncRep'`;

/** The one that this step has held the lock by last, which it may be still when the step is run again. */
let holder: SqlSession | null = null;

/**
 * Before a coordinator stops in good order: no transaction is prepared on other nodes and not committed there. One that the
 * stop cuts off in between keeps its locks until the new primary has found and ended it, and its rows are lost to all clients
 * for as long.
 *
 * Citus records a transaction in `pg_dist_transaction` before it prepares it anywhere, and has that table locked until each
 * node has answered to its commit (`StartRemoteTransactionPrepare` and `LogTransactionRecord` of Citus 13.0). Once this lock
 * is had, none is under way, and who waits for it has prepared nothing. The stop ends all sessions in any order; so clients
 * are told first, while the lock is held, that their sessions end: nobody who has waited goes on when ours does.
 *
 * What goes wrong here holds up no stop: what is left is found after it, as after a crash.
 */
export async function holdCommits({ sql, log, signal, handover }: LocalContext): Promise<Outcome> {
  // Its commits wait for a standby that has promised not to answer.
  if (handover.isSucceeded) return done;
  try {
    await holder?.close();
    holder = await sql.session();
    await hold(holder, signal);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log(`What is prepared on other nodes may be left to the next primary: ${why}`);
  }
  return done;
}

async function hold(session: SqlSession, signal: AbortSignal): Promise<void> {
  const letGo = () => void session.close();
  signal.addEventListener('abort', letGo, { once: true });
  const given = setTimeout(letGo, HELD_FOR);
  try {
    signal.throwIfAborted();
    await session.query('BEGIN');
    await session.query(SETTINGS, [LONGEST_WAIT, HELD_FOR, LOOK_FOR_DEADLOCK]);
    await session.query('LOCK TABLE pg_dist_transaction IN SHARE ROW EXCLUSIVE MODE');
    signal.throwIfAborted();
    await session.query(END_CLIENTS);
  } catch (error) {
    letGo();
    throw error;
  } finally {
    clearTimeout(given);
  }
}
