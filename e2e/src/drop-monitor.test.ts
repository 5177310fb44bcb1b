import { existsSync } from 'node:fs';
import { Formation } from '@pgaf/testing/formation';
import { postmasterOf } from '@pgaf/testing/postmaster';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Writer } from '@pgaf/testing/writer';

let formation: Formation;
beforeAll(async () => {
  formation = await Formation.create({ nodes: 2 });
});
afterAll(() => formation?.dispose());

test('a monitor with nodes is dropped by force only; its nodes go on, and it can be dropped again', async () => {
  const writer = new Writer({ uri: formation.uri, table: 'written' });
  try {
    await writer.start();
    await writer.untilWriting();
    const { monitor, nodes } = formation;
    const drop = (...flags: string[]) => formation.onMonitor(['drop', 'monitor', '--destroy', ...flags]);
    const refused = await drop();
    expect(refused).toMatchObject({ status: 3, stdout: '' });
    expect(refused.stderr).toMatch(
      /Nodes are registered at this monitor: "node_1" \(.*\), "node_2" \(.*\)\./,
    );
    expect(refused.stderr).toMatch(/hint: Drop them first, each with `pgaf drop node`; or use --force/);
    await formation.waitUntilStable();

    const before = nodes.map(({ host }) => postmasterOf(host));
    const ended: (number | string)[] = [];
    for (const { service } of nodes) void service?.exited.then((how) => ended.push(how));
    expect(await drop('--force')).toMatchObject({ status: 0 });
    expect(existsSync(monitor.host.pgdata)).toBe(false);
    expect(monitor.host.processes()).toEqual([]);
    await writer.untilWriting();
    expect(nodes.map(({ host }) => postmasterOf(host))).toEqual(before);
    expect(ended).toEqual([]);

    const again = await drop();
    expect(again.status).toBe(0);
    expect(again.stderr).toContain('There is no monitor in');
    await writer.untilWriting();
  } finally {
    await writer.stop();
  }
});

test('a node whose monitor is gone for good is dropped by force, once its service has ended', async () => {
  const member = formation.node(2);
  const { host } = member;
  const drop = (...flags: string[]) =>
    host.run(['drop', 'node', '--pgdata', host.pgdata, '--destroy', ...flags]);
  for (const flags of [[], ['--force']]) {
    const refused = await drop(...flags);
    expect(refused).toMatchObject({ status: 6, stdout: '' });
    expect(refused.stderr).toMatch(/The monitor cannot be told that this node leaves\./);
    expect(refused.stderr).toMatch(/hint: .*pgaf stop --pgdata .*--force/);
  }
  expect(existsSync(host.pgdata)).toBe(true);
  expect((await host.run(['stop', '--pgdata', host.pgdata])).status).toBe(0);
  expect(await member.service?.exited).toBe(0);
  const dropped = await drop('--force');
  expect(dropped.status, dropped.stderr).toBe(0);
  expect(dropped.stderr).toMatch(/The monitor cannot be reached/);
  expect(existsSync(host.pgdata)).toBe(false);
});
