import { Formation, type Member } from '@pgaf/testing/formation';
import { postmasterOf } from '@pgaf/testing/postmaster';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { whileWriting } from './while-writing.js';

let formation: Formation;
beforeAll(async () => {
  formation = await Formation.create({ nodes: 2 });
});
afterAll(() => formation?.dispose());

const stop = (member: Member, ...flags: string[]) =>
  member.host.run(['stop', '--pgdata', member.host.pgdata, ...flags]);

/** The rules that were applied after this event, each with the milliseconds from the first of them. */
async function rulesSince(event: number): Promise<Map<string, number>> {
  const rows = await formation.probe.query<{ rule: string; at: number }>(
    `SELECT rule, extract(epoch FROM eventtime - min(eventtime) OVER ())::float8 * 1000 AS at
     FROM pgautofailover.event WHERE eventid > $1 AND rule IS NOT NULL ORDER BY eventid DESC`,
    [event],
  );
  return new Map(rows.map(({ rule, at }) => [rule, at]));
}

async function lastEvent(): Promise<number> {
  const [row] = await formation.probe.query<{ id: number }>(
    'SELECT max(eventid)::float8 AS id FROM pgautofailover.event',
  );
  return row?.id ?? 0;
}

/** Milliseconds until the service has ended. */
async function ended(member: Member, begun: number): Promise<number> {
  expect(await member.service?.exited).toBe(0);
  return performance.now() - begun;
}

it('a primary that is told to stop hands over first, and comes back as a standby', async () => {
  await whileWriting(formation, async (writer) => {
    const [primary, standby] = [await formation.primary(), await formation.standby()];
    const before = await lastEvent();
    const begun = performance.now();
    primary.service?.signal('SIGTERM');
    expect(await ended(primary, begun)).toBeLessThan(5000);
    await formation.waitForState(standby.host.name, 'wait_primary');
    await writer.untilWriting();
    const rules = await rulesSince(before);
    expect([...rules.keys()]).toEqual(expect.arrayContaining(['handover.leave', 'handover.order']));
    expect(rules.get('handover.order')).toBeLessThan(5000);
    await formation.restart(primary);
    await formation.waitForState(primary.host.name, 'secondary');
  });
});

it('one that is stopped at once is replaced at once', async () => {
  await whileWriting(formation, async (writer) => {
    const [primary, standby] = [await formation.primary(), await formation.standby()];
    const before = await lastEvent();
    expect((await stop(primary, '--immediate')).status).toBe(0);
    await formation.waitForState(standby.host.name, 'wait_primary');
    await writer.untilWriting();
    expect(await primary.service?.exited).toBe(0);
    const rules = await rulesSince(before);
    expect([...rules.keys()]).toContain('election.stoppedUncleanly');
    expect([...rules.keys()]).not.toContain('election.beginOnly');
    expect(rules.get('promotion.order')).toBeLessThan(2000);
    await formation.restart(primary);
  });
});

it('one that is stopped fast tells nobody, and is replaced as after a crash', async () => {
  await whileWriting(formation, async (writer) => {
    const [primary, standby] = [await formation.primary(), await formation.standby()];
    const before = await lastEvent();
    expect((await stop(primary, '--fast')).status).toBe(0);
    await formation.waitForState(standby.host.name, 'wait_primary');
    await writer.untilWriting();
    expect(await primary.service?.exited).toBe(0);
    const rules = [...(await rulesSince(before)).keys()];
    expect(rules).toContain('election.beginOnly');
    expect(rules.filter((rule) => rule.startsWith('handover.'))).toEqual([]);
    await formation.restart(primary);
  });
});

it.each([
  ['primary', 'standby'],
  ['standby', 'primary'],
] as const)('both nodes that are told to stop do, and come back, the %s first', async (...order) => {
  await whileWriting(formation, async (writer) => {
    const members = { primary: await formation.primary(), standby: await formation.standby() };
    const begun = performance.now();
    for (const { service } of formation.nodes) service?.signal('SIGTERM');
    for (const node of formation.nodes) expect(await ended(node, begun)).toBeLessThan(5000);
    await formation.restart(members[order[0]]);
    // All that was acknowledged is on either, so that one suffices.
    await writer.untilWriting();
    await formation.restart(members[order[1]]);
  });
});

it('a service that leaves its Postgres is followed by one that adopts it', async () => {
  const { outage } = await whileWriting(formation, async (writer) => {
    for (const member of [...formation.nodes, formation.monitor]) {
      const postmaster = postmasterOf(member.host);
      expect((await stop(member, '--keep-postgres')).status).toBe(0);
      expect(await member.service?.exited).toBe(0);
      await writer.untilWriting();
      await formation.restart(member);
      await formation.waitForMonitor();
      await formation.waitUntilReported();
      expect(postmasterOf(member.host)).toBe(postmaster);
    }
  });
  expect(outage.ms).toBeLessThan(2000);
});
