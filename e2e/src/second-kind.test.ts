import { chmodSync, copyFileSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Formation, type Member } from '@pgaf/testing/formation';
import { workspaceRoot } from '@pgaf/testing/workspace';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { onNode } from './connect-to.js';

const PLUGIN = join(workspaceRoot(), 'apps', 'pgaf', 'test', 'second-kind', 'paired.mjs');

let formation: Formation;
let directory = '';
beforeAll(async () => {
  // pgaf reads it as the user that it becomes, who may not be let into the checkout.
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'pgaf-plugin-')));
  chmodSync(directory, 0o755);
  const plugin = join(directory, 'paired.mjs');
  copyFileSync(PLUGIN, plugin);
  chmodSync(plugin, 0o644);
  formation = await Formation.layOut({ nodes: 3, env: { PGAF_PLUGINS: plugin } });
  await formation.startMonitor();
  await formation.startNode(1, 'hub');
  await formation.startNode(2, 'spoke', ['--zone', 'there']);
  await formation.startNode(3, 'spoke', ['--zone', 'there', '--group', '1']);
  await formation.waitUntilStable();
});
afterAll(async () => {
  await formation?.dispose();
  rmSync(directory, { recursive: true, force: true });
});

interface RegistryRow {
  spoke: number;
  host: string;
  port: number;
}

/** What the hub's keeper wrote down in its reconcile. */
async function registry(): Promise<RegistryRow[]> {
  const { rows } = await onNode(formation.node(1), (client) =>
    client.query<RegistryRow>('SELECT spoke, host, port FROM paired_registry ORDER BY spoke'),
  );
  return rows;
}

it('puts the nodes of its roles into groups of its choice', async () => {
  const states = await formation.states();
  expect(states.map(({ name, group, goal }) => [name, group, goal])).toEqual([
    ['node_1', 0, 'single'],
    ['node_2', 1, 'primary'],
    ['node_3', 1, 'secondary'],
  ]);
});

it('runs its command', async () => {
  const shown = await formation.onMonitor(['show', 'pairs']);
  expect(shown.status, shown.stderr).toBe(0);
  expect(shown.stdout).toContain(`spoke 1: node_2 (127.0.0.1:${formation.node(2).port})`);
});

it('reconciles the hub when the primary of a spoke changes', async () => {
  const knows = (port: number) => async () =>
    (await registry()).some((row) => row.spoke === 1 && row.port === port);
  await formation.wait('the hub to know the spoke', knows(formation.node(2).port));
  const result = await formation.onMonitor(['perform', 'switchover', '--group', '1']);
  expect(result.status, result.stderr).toBe(0);
  await formation.wait('the hub to know the new primary', knows(formation.node(3).port));
  await formation.waitUntilStable();
});

it('runs what must not wait for the monitor on each primary while there is none', async () => {
  const primaries = [formation.node(1), formation.node(3)];
  const noted = (member: Member) =>
    onNode(member, async (client) => {
      const { rows } = await client.query<{ noted: string }>('SELECT noted::text FROM paired_lease');
      return rows[0]?.noted;
    });
  await formation.monitor.host.killEverything();
  const before = await Promise.all(primaries.map(noted));
  for (const [i, member] of primaries.entries()) {
    const what = `${member.host.name} to note it once more`;
    await formation.wait(what, async () => (await noted(member)) !== before[i]);
  }
  await formation.restart(formation.monitor);
  await formation.waitForMonitor();
  await formation.waitUntilStable();
});
