import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { keepEvidence } from '@pgaf/testing/evidence';
import { Formation } from '@pgaf/testing/formation';
import { pssBytes } from '@pgaf/testing/process-table';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { whileWriting } from './while-writing.js';

let formation: Formation;
beforeAll(async () => {
  formation = await Formation.create({ nodes: 2 });
});
afterAll(() => formation?.dispose());

const MEGABYTE = 1024 * 1024;

interface StateRow {
  nodename: string;
  nodeport: number;
  current_group_state: string;
  assigned_group_state: string;
  health: number;
}

it('shows the states as a table and as JSON', async () => {
  const table = await formation.onMonitor(['show', 'state']);
  expect(table.status, table.stderr).toBe(0);
  const [header, rule, ...rows] = table.stdout.trimEnd().split('\n');
  expect(header?.split('|').map((cell) => cell.trim())).toEqual([
    'Name',
    'Node',
    'Host:Port',
    'TLI: LSN',
    'Connection',
    'Reported State',
    'Assigned State',
  ]);
  expect(rule).toMatch(/^-+(\+-+){6}$/);
  expect(rows).toHaveLength(2);
  expect(rows.join('\n')).toMatch(
    /node_1 .*read-write .* primary .* primary\n *node_2 .*read-only .* secondary .* secondary/,
  );

  const json = await formation.onMonitor(['show', 'state', '--json']);
  const parsed = JSON.parse(json.stdout) as StateRow[];
  expect(parsed.map((row) => [row.nodename, row.nodeport, row.current_group_state, row.health])).toEqual([
    ['node_1', formation.node(1).port, 'primary', 1],
    ['node_2', formation.node(2).port, 'secondary', 1],
  ]);
});

it('leaves states, events and logs to whoever looks into a failure', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pgaf-evidence-'));
  try {
    expect(await keepEvidence(folder)).toBe(true);
    const kept = (file: string) => readFileSync(join(folder, file), 'utf8');
    expect(kept('states.txt').split('\n')).toHaveLength(3);
    expect(kept('events.txt')).toContain('"secondary"');
    for (const host of ['monitor', 'node_1', 'node_2'])
      expect(kept(`${host}.log`)).toContain('pgaf runs the ');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('prints the URI of the formation, and clients can use it', async () => {
  const shown = await formation.onMonitor(['show', 'uri', '--formation', 'default']);
  expect(shown.status, shown.stderr).toBe(0);
  expect(shown.stdout).toContain(`127.0.0.1:${formation.node(1).port}`);
  expect(shown.stdout).toContain('target_session_attrs=read-write');
  const conninfo = { ...parseConnInfo(shown.stdout.trim()), user: 'postgres' };
  const client = await connect(conninfo, { connectTimeoutMs: 2000 });
  try {
    const { rows } = await client.query('SELECT pg_is_in_recovery() AS standby, inet_server_port() AS port');
    expect(rows).toEqual([{ standby: false, port: formation.node(1).port }]);
  } finally {
    await client.end();
  }
});

it('replicates synchronously once the standby is secondary', async () => {
  const rows = await formation.probe.query<{ names: string }>(
    "SELECT pgautofailover.synchronous_standby_names('default', 0) AS names",
  );
  expect(rows[0]?.names).toMatch(/^ANY 1 \(pgautofailover_standby_\d+\)$/);
});

it('switches over by command, and back by SQL, without losing a row', async () => {
  await whileWriting(formation, async () => {
    const switchover = await formation.onMonitor(['perform', 'switchover']);
    expect(switchover.status, switchover.stderr + switchover.stdout).toBe(0);
    expect(switchover.stdout).toMatch(/node_2 \|.* primary \| +primary/);
    await formation.waitForState('node_1', 'secondary');
    await formation.waitForState('node_2', 'primary');

    await formation.probe.query('SELECT pgautofailover.perform_failover()');
    await formation.waitForState('node_1', 'primary');
    await formation.waitForState('node_2', 'secondary');
  });
});

it('tells the events with their reasons', async () => {
  const events = await formation.onMonitor(['show', 'events', '--json']);
  expect(events.status, events.stderr).toBe(0);
  const rows = JSON.parse(events.stdout) as { description: string }[];
  expect(rows.length).toBeGreaterThan(5);
  expect(rows.every((row) => row.description.length > 10)).toBe(true);
});

it('keeps its processes small', () => {
  const own = (member: { host: { processes(): { pid: number; program: string }[] } }) =>
    member.host
      .processes()
      .filter((seen) => seen.program !== 'postgres')
      .reduce((sum, seen) => sum + pssBytes(seen.pid), 0) / MEGABYTE;
  expect(own(formation.monitor)).toBeLessThanOrEqual(110);
  expect(own(formation.node(1))).toBeLessThanOrEqual(90);
  expect(own(formation.node(2))).toBeLessThanOrEqual(90);
});

it('drops a node by name, and the primary goes on alone', async () => {
  const dropped = await formation.onMonitor(['drop', 'node', '--name', 'node_2']);
  expect(dropped.status, dropped.stderr).toBe(0);
  await formation.waitForState('node_1', 'single');
  expect(await formation.node(2).service?.exited).toBe(121);
});
