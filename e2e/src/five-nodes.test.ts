import { Formation, type Member } from '@pgaf/testing/formation';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { holdUp } from './hold-up.js';
import { whileWriting } from './while-writing.js';

/** What each of the five is for; its number is its place in the list. */
const ROLES = [
  'the primary',
  'a candidate in the quorum',
  'one of priority 0 in the quorum',
  'the best candidate, out of the quorum',
  'the one with most WAL',
] as const;
const [PRIMARY, CANDIDATE, SOURCE, OUTSIDE, MOST] = [1, 2, 3, 4, 5] as const;

type Pair = readonly [number, number];

const PAIRS = ROLES.flatMap((_, one) =>
  ROLES.slice(one + 1).map((__, more): Pair => [one + 1, one + 2 + more]),
);

let formation: Formation;
beforeAll(async () => {
  formation = await Formation.create({ nodes: ROLES.length });
  await pgaf('set', 'node', 'candidate-priority', '0', '--name', `node_${SOURCE}`);
  await pgaf('set', 'node', 'candidate-priority', '90', '--name', `node_${OUTSIDE}`);
  await pgaf('set', 'node', 'replication-quorum', 'false', '--name', `node_${OUTSIDE}`);
}, 180_000);
afterAll(() => formation?.dispose());

async function pgaf(...args: string[]): Promise<void> {
  const { status, stderr } = await formation.onMonitor(args);
  expect(status, `${args.join(' ')}: ${stderr}`).toBe(0);
}

function named([one, other]: Pair): string {
  return `${ROLES[one - 1]} and ${ROLES[other - 1]}`;
}

/**
 * Kills two nodes at once after others were held up, so that only the rest has what was acknowledged last.
 * @param after what must become of the formation before anything is restarted
 */
async function killAtOnce(
  pair: Pair,
  late: readonly number[],
  after: (killed: readonly Member[], untilWriting: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const killed = pair.map((number) => formation.node(number));
  await whileWriting(formation, async (writer) => {
    const letGo = await holdUp(late.map((number) => formation.node(number)));
    await writer.untilWriting();
    await Promise.all(killed.map((member) => member.host.killEverything()));
    letGo();
    await after(killed, () => writer.untilWriting());
  });
}

/** The rules that moved nodes since the formation was last whole. */
async function rulesSince(eventId: number): Promise<string[]> {
  const rows = await formation.probe.query<{ rule: string }>(
    'SELECT rule FROM pgautofailover.event WHERE eventid > $1 AND rule IS NOT NULL ORDER BY eventid',
    [eventId],
  );
  return rows.map(({ rule }) => rule);
}

async function lastEvent(): Promise<number> {
  const [row] = await formation.probe.query<{ id: number }>(
    'SELECT max(eventid)::float8 AS id FROM pgautofailover.event',
  );
  return row?.id ?? 0;
}

async function restartAll(members: readonly Member[]): Promise<void> {
  for (const member of members) await formation.restart(member);
}

afterEach(async () => {
  await formation.waitUntilStable();
  if ((await formation.primary()) === formation.node(PRIMARY)) return;
  await pgaf('perform', 'promotion', '--name', `node_${PRIMARY}`);
  await formation.waitUntilStable();
});

describe('of five nodes, two killed at once, with one standby for each commit:', () => {
  it.each(PAIRS.filter((pair) => !pair.includes(PRIMARY)).map((pair) => [named(pair), pair] as const))(
    '%s, and the primary goes on',
    async (_, pair) => {
      await killAtOnce(pair, [CANDIDATE, SOURCE, OUTSIDE], async (killed, untilWriting) => {
        await untilWriting();
        expect(await formation.primary(), await formation.describe()).toBe(formation.node(PRIMARY));
        await restartAll(killed);
      });
    },
  );

  it(`${named([PRIMARY, MOST])}, which alone have some commits: nobody takes over before one of them is back`, async () => {
    const before = await lastEvent();
    await killAtOnce([PRIMARY, MOST], [CANDIDATE, SOURCE, OUTSIDE], async ([primary, most], untilWriting) => {
      if (!primary || !most) throw new Error('two were killed');
      await formation.wait('the monitor to say for whom it waits', async () => {
        const [row] = await formation.probe.query<{ waiting: string[] }>(
          'SELECT waiting FROM pgautofailover.group_state',
        );
        return row?.waiting.some((sentence) => sentence.includes(`missing: node ${MOST}`));
      });
      expect((await rulesSince(before)).filter((rule) => rule.startsWith('promotion.'))).toEqual([]);
      await formation.restart(most);
      await untilWriting();
      await formation.restart(primary);
    });
  });
});

describe('of five nodes, two killed at once, with two standbys for each commit:', () => {
  beforeAll(() => pgaf('set', 'formation', 'number-sync-standbys', '2'));

  it.each(
    [CANDIDATE, SOURCE, OUTSIDE, MOST]
      .map((other): Pair => [PRIMARY, other])
      .map((pair) => [named(pair), pair] as const),
  )('%s, and another one takes over', async (_, pair) => {
    const before = await lastEvent();
    await killAtOnce(pair, [CANDIDATE, OUTSIDE], async (killed, untilWriting) => {
      const rules = await formation.wait('another primary', async () => {
        const seen = await rulesSince(before);
        return seen.includes('promotion.order') && seen;
      });
      // Everything is on the one alone that is no candidate.
      if (pair.includes(MOST)) expect(rules).toContain('election.fastForward');
      // Commits may need one of them: two of those that are left must acknowledge them.
      await restartAll(killed);
      await untilWriting();
    });
  });
});
