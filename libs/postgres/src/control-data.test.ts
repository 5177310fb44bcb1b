import { expect, test } from 'vitest';
import { readControlData } from './control-data.js';
import { newPrimary } from './testing/servers.js';

test('pg_control says what the server says', async () => {
  const { bindir, pgdata, client } = await newPrimary();
  const [row] = await client.query<{ control: number; catalog: number; system: string; timeline: number }>(
    `SELECT pg_control_version AS control, catalog_version_no AS catalog, system_identifier::text AS system, timeline_id AS timeline
       FROM pg_control_system(), pg_control_checkpoint()`,
  );
  const { controlVersion, catalogVersion, systemIdentifier, timeline, state } = await readControlData(
    bindir,
    pgdata,
  );
  expect({
    control: controlVersion,
    catalog: catalogVersion,
    system: String(systemIdentifier),
    timeline,
  }).toEqual(row);
  expect(state).toBe('in production');
});
