import { withConnection, type LocalServer } from './query.js';

/**
 * Makes a checkpoint now, however long it takes: a stop or a copy is quick after one, and pg_rewind before Postgres 16
 * sees a promotion only once it is in pg_control.
 */
export async function checkpoint(server: LocalServer): Promise<void> {
  await withConnection({ ...server, statementTimeoutMs: 0 }, async (client) => {
    await client.query('SET statement_timeout = 0');
    await client.query('CHECKPOINT');
  });
}
