import { PgafError } from '@pgaf/core/errors';
import pg, { type Client } from 'pg';

/** Runs the work in a transaction: committed when it returns, rolled back when it throws. */
export async function inTransaction<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // A connection that is gone has rolled back by itself; the error that says so is the one to show.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** lock_timeout, statement_timeout while waiting, deadlock. */
const BLOCKED = new Set(['55P03', '57014', '40P01']);

/** Somebody else holds a row for too long. */
export function isBlocked(error: unknown): boolean {
  return error instanceof pg.DatabaseError && BLOCKED.has(error.code ?? '');
}

/** The session is gone, not only the statement. */
export function endsSession(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return error.severity === 'FATAL' || error.severity === 'PANIC';
  return (
    error instanceof Error &&
    !(error instanceof PgafError) &&
    /Connection terminated|not queryable/.test(error.message)
  );
}
