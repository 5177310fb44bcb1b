import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MonitorClient } from './monitor-client.js';
import { TestPostgres } from './testing/test-postgres.js';

let postgres: TestPostgres;
let root: pg.Client;
let client: MonitorClient;

/** A monitor that answers with what stands in a table, and keeps what it was said to be known. */
const MONITOR = `
CREATE SCHEMA pgautofailover;
CREATE TABLE pgautofailover.told (goal text, announces_late bool, version bigint);
INSERT INTO pgautofailover.told VALUES ('primary', true, 1);
CREATE TABLE pgautofailover.said (known bigint);
CREATE FUNCTION pgautofailover.begin_session(bigint) RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION pgautofailover.node_active(
  text, bigint, int, text, bool, int, pg_lsn, text, jsonb, known bigint,
  OUT assigned_group_state text, OUT assigned_candidate_priority int, OUT assigned_replication_quorum bool,
  OUT assignment json, OUT version bigint)
LANGUAGE plpgsql AS $$
DECLARE told pgautofailover.told;
BEGIN
  INSERT INTO pgautofailover.said VALUES (known);
  SELECT * INTO told FROM pgautofailover.told;
  assigned_group_state := told.goal;
  assigned_candidate_priority := 50;
  assigned_replication_quorum := true;
  version := told.version;
  IF known IS DISTINCT FROM told.version THEN
    assignment := json_build_object('epoch', 1, 'leader', 1, 'setting', NULL, 'lineage', '[]'::json,
      'announcesLate', told.announces_late,
      'nodes', json_build_array(json_build_object('id', 1, 'reported', 'primary', 'goal', told.goal, 'lsn', '0/0')));
  END IF;
END $$`;

beforeAll(async () => {
  postgres = await TestPostgres.create();
  root = new pg.Client({ connectionString: postgres.uri });
  await root.connect();
  await root.query(MONITOR);
  const log = { debug: () => undefined, warn: () => undefined, info: () => undefined };
  client = new MonitorClient({ conninfo: parseConnInfo(postgres.uri), applicationName: 'test', logger: log });
  const connected = new Promise<void>((resolve) =>
    client.onNews('default', (news) => {
      if (news === null) resolve();
    }),
  );
  await connected;
});
afterAll(async () => {
  await client?.close();
  await root?.end();
  await postgres?.destroy();
});

const report = () =>
  client.report({
    formation: 'default',
    nodeId: 1,
    group: 0,
    reported: 'primary',
    postgresRunning: true,
    tli: 1,
    lsn: 1n,
    syncState: '',
    facts: {},
  });

async function lastSaid(): Promise<string | null> {
  const { rows } = await root.query<{ known: string | null }>(
    'DELETE FROM pgautofailover.said RETURNING known',
  );
  return rows.at(-1)?.known ?? null;
}

test('a node of a group in motion is told so, and asks for everything: what others report changes no version', async () => {
  expect(await report()).toMatchObject({ goal: 'primary', inMotion: false });
  expect(await report()).toMatchObject({ inMotion: false });
  expect(await lastSaid()).toBe('1');
  await root.query(`UPDATE pgautofailover.told SET goal = 'draining', version = 2`);
  expect(await report()).toMatchObject({ goal: 'draining', inMotion: true });
  await lastSaid();
  expect(await report()).toMatchObject({ goal: 'draining', inMotion: true });
  expect(await lastSaid()).toBeNull();
});
