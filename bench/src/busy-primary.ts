import { connect, destroy } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Client } from 'pg';
import { onNode } from './systems/replication.js';
import type { System, SystemNode } from './systems/system.js';

const BACKENDS = 10;
const DIRTY_BYTES = 1024 ** 3;
/** Four rows of this width fill a page of 8 kB, and none is compressed or moved out of line. */
const ROW_WIDTH = 1900;
const ROWS = (DIRTY_BYTES / 8192) * 4;

/** Room for the dirty buffers, and nothing that writes them out before the operator's order. */
const SETTINGS = {
  shared_buffers: '1536MB',
  max_wal_size: '16GB',
  checkpoint_timeout: '1h',
  bgwriter_lru_maxpages: '0',
};

/** Two servers with these buffers, the client and what else there is. */
export const MEMORY_NEEDED = 6 * 1024 ** 3;

/** Sets them on both nodes and lets each restart as any system does: by two switchovers. */
export async function makeRoomForDirtyBuffers(system: System): Promise<void> {
  for (const node of system.nodes) {
    await onNode(node, async (client) => {
      for (const [name, value] of Object.entries(SETTINGS)) {
        await client.query(`ALTER SYSTEM SET ${name} = ${client.escapeLiteral(value)}`);
      }
      await client.query('SELECT pg_reload_conf()');
    });
  }
  for (let n = 0; n < 2; n++) {
    await system.switchover();
    await system.waitUntilStable();
  }
  for (const node of system.nodes) {
    const inForce = await onNode(node, (client) =>
      client.query<{ shared_buffers: string }>('SHOW shared_buffers'),
    );
    const value = inForce.rows[0]?.shared_buffers;
    if (value !== SETTINGS.shared_buffers) {
      throw new Error(
        `${node.host.name} runs with shared_buffers of ${value}, not ${SETTINGS.shared_buffers}`,
      );
    }
  }
}

async function fillBuffers(client: Client): Promise<void> {
  await client.query('CREATE EXTENSION IF NOT EXISTS pg_buffercache');
  await client.query('DROP TABLE IF EXISTS bench_filler');
  await client.query(
    'CREATE TABLE bench_filler (id int PRIMARY KEY, n int NOT NULL, filling text NOT NULL) WITH (autovacuum_enabled = false)',
  );
  await client.query('CHECKPOINT');
  await client.query(
    `INSERT INTO bench_filler SELECT id, 0, repeat('x', ${ROW_WIDTH}) FROM generate_series(1, ${ROWS}) AS id`,
  );
  const { rows } = await client.query<{ bytes: string }>(
    'SELECT count(*) * 8192 AS bytes FROM pg_buffercache WHERE isdirty',
  );
  const dirty = Number(rows[0]?.bytes);
  if (dirty < DIRTY_BYTES)
    throw new Error(`only ${Math.round(dirty / 1024 ** 2)} MB of the buffers are dirty`);
}

/** One statement for ever, of short transactions: the server is busy without a client that costs anything. */
const UPDATES = `DO $$ BEGIN
  LOOP
    UPDATE bench_filler SET n = n + 1 WHERE id = 1 + floor(random() * ${ROWS})::int;
    COMMIT;
  END LOOP;
END $$`;

/**
 * Dirties 1 GB of the primary's buffers and keeps ten backends busy with updates all over it, until the server
 * ends them or the answer is called.
 */
export async function keepBusy(primary: SystemNode): Promise<() => void> {
  await onNode(primary, fillBuffers);
  const conninfo = parseConnInfo(`postgres://postgres@127.0.0.1:${primary.port}/postgres?sslmode=prefer`);
  const clients = await Promise.all(
    Array.from({ length: BACKENDS }, () => connect(conninfo, { connectTimeoutMs: 10_000 })),
  );
  for (const client of clients) client.query(UPDATES).catch(() => undefined);
  return () => clients.forEach(destroy);
}
