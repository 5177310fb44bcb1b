import type { Milliseconds } from '@pgaf/core/durations';
import type { SqlSession } from '@pgaf/plugin-api';

const BOUND = `
SELECT set_config('statement_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $2, true)`;

/**
 * The session, whose open transaction ends by then (of `performance.now()`), in a statement or between two: the server
 * sees to it, whatever becomes of this keeper. A COMMIT that still waits for a standby then is one all the same.
 */
export function endingBy(session: SqlSession, until: Milliseconds): SqlSession {
  return {
    query: async (text, values) => {
      if (performance.now() >= until) throw new Error('there was no time left');
      // A transaction that failed takes nothing but its rollback.
      if (!text.startsWith('ROLLBACK')) await bound(session, { statement: until, idle: until });
      return session.query(text, values);
    },
    close: () => session.close(),
  };
}

/** By when, of `performance.now()`, the next statement of the transaction ends, and it itself when nothing comes then. */
export async function bound(
  session: SqlSession,
  { statement, idle }: { readonly statement: Milliseconds; readonly idle: Milliseconds },
): Promise<void> {
  await session.query(BOUND, [timeoutBy(statement), timeoutBy(idle)]);
}

/** As Postgres takes it, for which 0 is without end. */
function timeoutBy(until: Milliseconds): string {
  return `${Math.max(1, Math.ceil(until - performance.now()))}ms`;
}
