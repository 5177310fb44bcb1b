import { Formation, type Member } from '@pgaf/testing/formation';
import { postmasterOf } from '@pgaf/testing/postmaster';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { whileWriting } from './while-writing.js';

let formation: Formation;
beforeAll(async () => {
  formation = await Formation.create({ nodes: 2 });
});
afterAll(() => formation?.dispose());

async function pgaf(member: Member, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await member.host.run([...args, '--pgdata', member.host.pgdata]);
  expect(status, stderr).toBe(0);
  return stdout;
}

async function epoch(): Promise<number> {
  const [row] = await formation.probe.query<{ epoch: number }>(
    'SELECT epoch::int AS epoch FROM pgautofailover.group_state',
  );
  return row?.epoch ?? -1;
}

const hasPostgres = ({ host }: Member): boolean => {
  try {
    return postmasterOf(host) > 0;
  } catch {
    return false;
  }
};

test('the service of a paused primary is stopped and started, and clients write on', async () => {
  await whileWriting(formation, async (writer) => {
    const primary = await formation.primary();
    const postmaster = postmasterOf(primary.host);
    await pgaf(primary, 'pause');
    await pgaf(primary, 'stop');
    await primary.service?.exited;
    await writer.untilWriting();
    expect(postmasterOf(primary.host)).toBe(postmaster);
    await formation.restart(primary);
    await formation.waitUntilReported();
    await pgaf(primary, 'resume');
    await formation.waitUntilStable();
    expect(postmasterOf(primary.host)).toBe(postmaster);
  });
  expect(await epoch()).toBe(1);
});

test('a paused primary that goes down is not failed over, also by a monitor that was killed and started', async () => {
  const primary = await formation.primary();
  const shown = await formation.monitor.host.run(['show', 'state', '--monitor', formation.monitorUri]);
  expect(shown.stdout).not.toContain('paused');
  await pgaf(primary, 'pause');
  await primary.host.killEverything();

  formation.monitor.service?.signal('SIGKILL');
  await formation.monitor.service?.exited;
  await formation.restart(formation.monitor);
  await formation.waitForMonitor();
  const states = async () => (await formation.onMonitor(['show', 'state'])).stdout;
  await formation.wait('what is wrong is named', async () =>
    /no health check|is silent/.test(await states()),
  );
  const table = await states();
  expect(table).toMatch(/Group 0: node 1 .* is paused: no failover without an order until `pgaf resume`/);
  expect((await formation.states()).map(({ goal }) => goal)).toEqual(['primary', 'secondary']);
  const refused = await formation.onMonitor(['perform', 'failover']);
  expect(refused.status).not.toBe(0);
  expect(refused.stderr).toContain('`pgaf resume`');

  await formation.restart(primary);
  await formation.waitUntilReported();
  expect(hasPostgres(primary)).toBe(false);
  await pgaf(primary, 'resume');
  await formation.waitUntilStable();
  expect(await epoch()).toBe(1);
});
