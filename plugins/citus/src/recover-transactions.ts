import type { Milliseconds } from '@pgaf/core/durations';
import { done, retry, type NodeContext, type Outcome } from '@pgaf/plugin-api';

/** What one run takes at most, by the server’s clock: idle before its one statement, and in it; less with a short lease. */
const LONGEST_IDLE: Milliseconds = 500;
const LONGEST_STATEMENT: Milliseconds = 1500;
const SHARE_OF_LEASE = 0.75;
/** With less of the lease left a run would be no use. */
const SHORTEST_RUN: Milliseconds = 400;
/**
 * A node that hangs is left out, so that the others are seen to within the statement’s time. What is deleted from
 * `pg_dist_transaction` has been decided, and need not outlive this node.
 */
const SETTINGS = `
SELECT set_config('idle_in_transaction_session_timeout', $1, true), set_config('statement_timeout', $2, true),
       set_config('citus.node_connection_timeout', '400ms', true), set_config('synchronous_commit', 'local', true)`;
/** A backend that hangs with a node may not hear that its time is over. */
const GIVEN_UP_AFTER: Milliseconds = 1000;
/** Warnings of Postgres, https://www.postgresql.org/docs/current/errcodes-appendix.html. */
const WARNING = /^01/;

/**
 * Finishes what transactions of Citus that began here have left prepared on other nodes. Citus would do it by itself, but
 * also on a coordinator or worker that was frozen and has been replaced meanwhile: that one takes what its successor has
 * just prepared for its own, knows no commit of it, and rolls it back. So it is done here only while the lease lasts.
 *
 * Invariant: the server ends each run before the lease that was left when it began. Whatever part of this node is held up
 * and goes on later then finds its transaction ended, or works on lists that are older than any successor.
 */
export async function recoverTransactions({ sql, leaseLeft }: NodeContext): Promise<Outcome> {
  const time = Math.min(leaseLeft() * SHARE_OF_LEASE, LONGEST_IDLE + LONGEST_STATEMENT);
  if (time < SHORTEST_RUN) return retry('what is left prepared waits for the lease of this node');
  const idle = Math.floor((time * LONGEST_IDLE) / (LONGEST_IDLE + LONGEST_STATEMENT));
  let missed: string | null = null;
  const session = await sql.session(({ sqlState, message }) => {
    if (WARNING.test(sqlState)) missed = message;
  });
  const given = setTimeout(() => void session.close(), time + GIVEN_UP_AFTER);
  try {
    await session.query('BEGIN');
    await session.query(SETTINGS, [`${idle}ms`, `${Math.floor(time - idle)}ms`]);
    if (leaseLeft() < time) return retry('the lease of this node was not renewed in time');
    await session.query('SELECT recover_prepared_transactions()');
    await session.query('COMMIT');
    return missed === null ? done : retry(missed);
  } finally {
    clearTimeout(given);
    await session.close();
  }
}
