import { Formation } from '@pgaf/testing/formation';
import { postmasterOf } from '@pgaf/testing/postmaster';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { whileWriting } from './while-writing.js';

let formation: Formation;
beforeAll(async () => {
  formation = await Formation.create({ nodes: 2 });
}, 120_000);
afterAll(() => formation?.dispose());

async function on(name: string, ...args: string[]): Promise<string> {
  const { host } = formation.named(name);
  const { status, stdout, stderr } = await host.run([...args, '--pgdata', host.pgdata]);
  expect(status, stderr).toBe(0);
  return stdout;
}

it('takes a standby out of service while clients write, and takes it back', async () => {
  await whileWriting(formation, async (writer) => {
    const table = await on('node_2', 'enable', 'maintenance');
    expect(table).toMatch(/node_2 \|.* maintenance \| +maintenance/);
    await formation.waitForState('node_1', 'wait_primary');
    await stopPostmaster(formation.named('node_2').host.pgdata, { mode: 'fast' });
    await writer.untilWriting();
    await formation.waitUntilReported();
    expect(() => postmasterOf(formation.named('node_2').host)).toThrow();
    expect(await on('node_2', 'enable', 'maintenance')).toBe('');
    await on('node_2', 'disable', 'maintenance');
    await formation.waitUntilStable();
  });
});

it('refuses to leave nobody who takes writes', async () => {
  const { host } = formation.named('node_1');
  const without = await host.run(['enable', 'maintenance', '--pgdata', host.pgdata]);
  expect(without.status).toBe(1);
  expect(without.stderr).toContain('"node_1" is the primary');
  expect(without.stderr).toContain('--allow-failover');

  await on('node_2', 'enable', 'maintenance');
  const alone = await host.run(['enable', 'maintenance', '--allow-failover', '--pgdata', host.pgdata]);
  expect(alone.status).toBe(6);
  expect(alone.stderr).toMatch(/cannot begin a maintenance of node 1/);
  const failover = await formation.onMonitor(['perform', 'failover']);
  expect(failover.status).toBe(6);
  expect((await formation.states()).map(({ goal }) => goal)).toEqual(['wait_primary', 'maintenance']);
  const twice = await host.run(['disable', 'maintenance', '--pgdata', host.pgdata]);
  expect(twice.status).toBe(6);
  await on('node_2', 'disable', 'maintenance');
  await formation.waitUntilStable();
});

it('hands a primary over before its maintenance, and takes it back as a standby', async () => {
  await whileWriting(formation, async () => {
    const table = await on('node_1', 'enable', 'maintenance', '--allow-failover');
    expect(table).toMatch(/node_1 \|.* prepare_maintenance \| +prepare_maintenance/);
    await formation.waitForState('node_2', 'wait_primary');
    await on('node_1', 'disable', 'maintenance');
    await formation.waitForState('node_1', 'secondary');
    await formation.waitForState('node_2', 'primary');
  });
});

it('outlives its keeper, which starts nothing in a maintenance', async () => {
  const member = formation.named('node_1');
  await on('node_1', 'enable', 'maintenance');
  await member.host.killEverything();
  await formation.restart(member);
  await formation.waitUntilReported();
  expect(() => postmasterOf(member.host)).toThrow();
  await on('node_1', 'disable', 'maintenance');
  await formation.waitUntilStable();
});
