import { readFileSync } from 'node:fs';
import { Formation, type Member } from '@pgaf/testing/formation';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { whileWriting } from './while-writing.js';

let formation: Formation;
beforeAll(async () => {
  formation = await Formation.create({ nodes: 2 });
});
afterAll(() => formation?.dispose());

/** Starts a member, and waits until it does what it can on its own. */
async function start(member: Member, monitorRuns: boolean): Promise<void> {
  await formation.restart(member);
  if (member === formation.monitor) return formation.waitForMonitor();
  if (monitorRuns) return;
  const log = member.service?.logFile ?? '';
  await formation.wait(
    `${member.host.name} to find no monitor`,
    () => Promise.resolve(readFileSync(log, 'utf8').includes('No contact with the monitor')),
    member,
  );
}

it.each([
  ['the monitor', 'the primary', 'the standby'],
  ['the monitor', 'the standby', 'the primary'],
  ['the primary', 'the monitor', 'the standby'],
  ['the primary', 'the standby', 'the monitor'],
  ['the standby', 'the monitor', 'the primary'],
  ['the standby', 'the primary', 'the monitor'],
] as const)('a site that lost its power comes back by %s, %s, %s', async (...order) => {
  await whileWriting(formation, async () => {
    const members = {
      'the monitor': formation.monitor,
      'the primary': await formation.primary(),
      'the standby': await formation.standby(),
    };
    await Promise.all(Object.values(members).map(({ host }) => host.killEverything()));
    for (const [place, name] of order.entries()) {
      await start(members[name], order.slice(0, place).includes('the monitor'));
    }
    await formation.waitUntilStable();
  });
});

it('without the monitor a primary that lost its power opens nothing, and says what it waits for', async () => {
  await whileWriting(formation, async () => {
    const primary = await formation.primary();
    const members = [formation.monitor, ...formation.nodes];
    await Promise.all(members.map(({ host }) => host.killEverything()));
    await start(primary, false);
    const log = primary.service?.logFile ?? '';
    await formation.wait(
      'it to say what it waits for',
      () =>
        Promise.resolve(readFileSync(log, 'utf8').includes('to confirm that this node is still the primary')),
      primary,
    );
    const here = ['--pgdata', primary.host.pgdata];
    const status = await primary.host.run(['status', ...here]);
    expect(status.status).toBe(5);
    expect(status.stderr).toMatch(
      /Postgres (is not running|runs) .*\n.*waiting: the monitor at 127\.0\.0\.1, or 1 of its standbys \(node \d\), to confirm/,
    );
    expect((await primary.host.run(['show', 'state', '--local', ...here])).stdout).toContain(
      'waiting: the monitor at 127.0.0.1',
    );
    for (const member of members) if (member !== primary) await formation.restart(member);
    await formation.waitForMonitor();
    await formation.waitUntilStable();
  });
});

it('by force it opens, and the event tells of it when the monitor is back', async () => {
  await whileWriting(formation, async () => {
    const primary = await formation.primary();
    const standby = await formation.standby();
    const members = [formation.monitor, ...formation.nodes];
    await Promise.all(members.map(({ host }) => host.killEverything()));
    primary.service = await primary.host.start(['run', '--pgdata', primary.host.pgdata, '--force']);
    await formation.wait('Postgres of the primary', () =>
      Promise.resolve(primary.host.processes().some(({ program }) => program === 'postgres')),
    );
    await formation.restart(formation.monitor);
    await formation.waitForMonitor();
    await formation.restart(standby);
    await formation.waitUntilStable();
    await formation.wait('the event', async () =>
      (await formation.probe.events(100)).some((event) => /opened for writes by force/.test(event)),
    );
  });
});

it('by force a standby opens nothing', async () => {
  const standby = await formation.standby();
  await standby.host.killEverything();
  const refused = await standby.host.run(['run', '--pgdata', standby.host.pgdata, '--force']);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(/--force opens a primary, and node_\d is secondary/);
  await formation.restart(standby);
  await formation.waitUntilStable();
});
