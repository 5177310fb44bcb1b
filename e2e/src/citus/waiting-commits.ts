import { until } from '@pgaf/testing/deadline';
import type { CitusServer } from './citus-coordinator.js';

const DEADLINE_MS = 30_000;
const WAITING = `SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`;

/**
 * From now on commits there wait for a standby that there is none of, and one does.
 * @returns what lets them go on.
 */
export async function holdUpCommits(server: CitusServer): Promise<() => Promise<void>> {
  const client = await server.session();
  let committing: Promise<unknown> | null = null;
  await server.sql.query(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`);
  await server.sql.query('SELECT pg_reload_conf()');
  // Postgres heeds it in its own time.
  await until({ what: 'a commit that waits', deadlineMs: DEADLINE_MS }, async () => {
    committing ??= client
      .query(`SELECT pg_logical_emit_message(true, 'test', 'any')`)
      .catch(() => undefined)
      .finally(() => (committing = null));
    return (await server.sql.query(WAITING)).length > 0;
  });
  let isOver = false;
  return async () => {
    if (isOver) return;
    isOver = true;
    await server.sql.query('ALTER SYSTEM RESET synchronous_standby_names');
    await server.sql.query('SELECT pg_reload_conf()');
    await committing;
    await client.close();
  };
}
