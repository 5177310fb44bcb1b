import { Formation } from '@pgaf/testing/formation';
import { afterAll, beforeAll, expect, it } from 'vitest';

let formation: Formation;
beforeAll(async () => {
  formation = await Formation.create({ nodes: 2 });
}, 120_000);
afterAll(() => formation?.dispose());

it('gives up what only a lost primary has by order alone, says what that is, and takes the old primary back', async () => {
  for (const name of ['node_1', 'node_2']) {
    const asynchronous = ['set', 'node', 'replication-quorum', 'false', '--name', name];
    expect(await formation.onMonitor(asynchronous)).toMatchObject({ status: 0 });
  }
  const healthy = await formation.onMonitor(['perform', 'failover', '--allow-data-loss']);
  expect(healthy, healthy.stderr).toMatchObject({ status: 0 });
  expect(healthy.stderr).not.toContain('lost');
  await formation.waitUntilStable();

  const lost = formation.named('node_2');
  await lost.host.killEverything();
  await formation.wait('the loss of the primary to be seen', async () =>
    (await formation.states()).some(({ name, health }) => name === 'node_2' && health === 0),
  );
  const safe = await formation.onMonitor(['perform', 'failover']);
  expect(safe.status).toBe(6);
  expect((await formation.states()).map(({ goal }) => goal)).toContain('primary');

  const lossy = await formation.wait('an order that is taken', async () => {
    const ended = await formation.onMonitor(['perform', 'failover', '--allow-data-loss']);
    return ended.status === 0 ? ended : null;
  });
  expect(lossy.stderr).toMatch(
    /The primary "node_2" has [0-9A-F]+\/[0-9A-F]+ on timeline \d+, as it said \d+ s ago/,
  );
  expect(lossy.stderr).toContain('acknowledged commits may be among it');
  expect(lossy.stderr).toContain('node_1 has taken over, and no standby acknowledges its commits yet');
  await formation.waitForState('node_1', 'wait_primary');
  const [audit] = await formation.probe.query<{ description: string }>(
    `SELECT description FROM pgautofailover.event WHERE rule = 'operator.dataLoss' AND nodename = 'node_2'`,
  );
  expect(audit?.description).toMatch(/^the operator gave up what only it has: it was last heard of at/);
  const [row] = await formation.probe.query<{ arguments: object; status: string }>(
    `SELECT arguments, status FROM pgautofailover.command WHERE kind = 'perform_failover' ORDER BY commandid DESC LIMIT 1`,
  );
  expect(row).toEqual({ arguments: { allowDataLoss: true, force: false }, status: 'done' });

  await formation.restart(lost);
  await formation.waitUntilStable();
  expect((await formation.primary()).host.name).toBe('node_1');
});
