import type pg from 'pg';
import type { State } from '@pgaf/core/states';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from './migrate.js';
import { MIGRATIONS } from './migrations.js';
import type { FakeKeeper } from './testing/fake-keeper.js';
import { formGroup } from './testing/formed-group.js';
import { TestMonitor, until } from './testing/test-monitor.js';

/** Tables whose rows a monitor of any version has. */
const KEPT = ['formation', 'group_state', 'node'];
/** The oldest of which there may be one that serves. */
const OLDEST = 5;

let monitor: TestMonitor;
let client: pg.Client;
let keepers: FakeKeeper[];

beforeAll(async () => {
  monitor = await TestMonitor.create();
  client = await monitor.connectAsSuperuser();
  const service = await monitor.serve();
  keepers = await formGroup(monitor, 'default', ['a', 'b']);
  await service.stop();
}, 60_000);

afterAll(async () => {
  await monitor?.destroy();
});

/** The monitor as a program of that version has left it, with its formation. */
async function takeBackTo(version: number): Promise<void> {
  const kept = new Map<string, string>();
  for (const table of KEPT) {
    const { rows } = await client.query<{ all: string }>(
      `SELECT jsonb_agg(each)::text AS all FROM pgautofailover.${table} each`,
    );
    kept.set(table, rows[0]?.all ?? '[]');
  }
  await client.query('DROP SCHEMA pgautofailover CASCADE; DROP SCHEMA pgautofailover_private CASCADE');
  await migrate(client, MIGRATIONS.slice(0, version));
  await client.query('SET session_replication_role TO replica');
  for (const [table, rows] of kept) {
    await client.query(`DELETE FROM pgautofailover.${table}`);
    await client.query(
      `INSERT INTO pgautofailover.${table} OVERRIDING SYSTEM VALUE
       SELECT * FROM jsonb_populate_recordset(NULL::pgautofailover.${table}, $1::jsonb)`,
      [rows],
    );
  }
  await client.query('RESET session_replication_role');
}

async function untilStates(...wanted: State[]): Promise<void> {
  await until(wanted.join(', '), async () => {
    for (const keeper of keepers) if (!(await keeper.obey())) return false;
    return keepers.every(({ state }, index) => state === wanted[index]);
  });
}

test.each(MIGRATIONS.slice(OLDEST).map(({ version }) => version - 1))(
  'a formation that a monitor of version %i has is served by one that is brought to the newest',
  async (version) => {
    await takeBackTo(version);
    expect((await migrate(client)).map((migration) => migration.version)).toEqual(
      MIGRATIONS.slice(version).map((migration) => migration.version),
    );
    const service = await monitor.serve();
    keepers = await Promise.all(keepers.map((keeper) => keeper.reconnected(monitor)));
    for (const keeper of keepers) await keeper.beginSession();
    await untilStates('primary', 'secondary');
    await client.query('SELECT pgautofailover.start_maintenance($1)', [keepers[1]?.id]);
    await untilStates('wait_primary', 'maintenance');
    await client.query('SELECT pgautofailover.stop_maintenance($1)', [keepers[1]?.id]);
    await untilStates('primary', 'secondary');
    await service.stop();
  },
  30_000,
);
