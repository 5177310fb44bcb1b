import { expect, test } from 'vitest';
import type { Milliseconds } from '@pgaf/core/durations';
import { done, retry, type Outcome } from '@pgaf/core/result';
import type { State } from '@pgaf/core/states';
import type { NodeContext } from '@pgaf/plugin-api/keeper-part';
import { LeaderHook } from './leader-hook.js';
import type { News } from './monitor-link.js';
import { DEFAULT_PACE } from './node-config.js';
import { atRest, twoNodes, until } from './testing/test-nodes.js';

/** No run is due by the clock alone. */
const NEVER = 1e9;

test('a leader’s plugin is called as soon as it takes writes, and goes on while the monitor is away', async () => {
  const { monitor, first, second } = await twoNodes();
  const calls: { readonly node: number; readonly leaseLeft: number }[] = [];
  for (const node of [first, second]) {
    await node.end('handOff');
    node.part = {
      whileLeader: async ({ sql, leaseLeft }: NodeContext) => {
        await sql.query('CREATE TEMP TABLE IF NOT EXISTS only_on_a_primary ()');
        calls.push({ node: node.id, leaseLeft: leaseLeft() });
        return done;
      },
    };
    node.run();
  }
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  await until('the leader is called', monitor, () => calls.length > 0);
  expect(new Set(calls.map(({ node }) => node))).toEqual(new Set([1]));

  monitor.command({ kind: 'perform_failover' });
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  const held = () => calls.filter(({ node, leaseLeft }) => node === 2 && leaseLeft > 0).length;
  await until('the next leader is called', monitor, () => held() > 0);

  for (const id of [1, 2]) monitor.unreachable.add(id);
  const before = held();
  await until('it is called again, its lease renewed by its standby', monitor, () => held() > before);
  expect(calls.every(({ leaseLeft }) => leaseLeft <= second.config.leaseLength)).toBe(true);
  monitor.unreachable.clear();
});

test('a leader’s plugin is called when another node begins to take writes, not while one stops', async () => {
  const { monitor, first } = await twoNodes();
  let calls = 0;
  await first.end('handOff');
  first.pace = { ...DEFAULT_PACE, reconcile: NEVER };
  first.part = {
    whileLeader: async () => {
      calls++;
      return done;
    },
  };
  first.run();
  await until('the leader is called', monitor, () => calls > 0);
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  const says = (nodeId: number, reported: State, goal: State, health: News['health'] = 'good'): void =>
    monitor.announceElsewhere({ nodeId, reported, goal, health });
  const passes = async () => {
    const before = monitor.reports.get(1) ?? 0;
    await until('the leader looks around', monitor, () => (monitor.reports.get(1) ?? 0) > before + 2);
  };
  await passes();
  const before = calls;
  says(8, 'primary', 'draining');
  says(9, 'prepare_promotion', 'wait_primary');
  await passes();
  expect(calls).toBe(before);
  says(9, 'wait_primary', 'wait_primary');
  await until('it is called again', monitor, () => calls > before);
  const called = calls;
  says(9, 'wait_primary', 'wait_primary', 'bad');
  await passes();
  expect(calls).toBe(called);
  says(9, 'wait_primary', 'wait_primary');
  await until('it is called when that one is back from a crash', monitor, () => calls > called);
});

test('a leader without a standby may be succeeded by an operator’s word that it does not hear', async () => {
  const { monitor, first, second } = await twoNodes();
  let left: Milliseconds | null = null;
  await first.end('handOff');
  first.part = {
    whileLeader: async ({ leaseLeft }: NodeContext) => {
      left = leaseLeft();
      return left > 0 ? done : retry('not now');
    },
  };
  first.run();
  await second.end('orderly');
  await until('it waits for nobody, and hears the monitor', monitor, () => {
    return monitor.node(1).reported === 'wait_primary' && left !== null && left > 0;
  });
  monitor.unreachable.add(1);
  await until('it cannot know', monitor, () => left === 0);
  monitor.unreachable.clear();
  await until('it hears again', monitor, () => left !== null && left > 0);
});

test('a hook runs once at a time, and once more when it was called meanwhile', async () => {
  const ends: ((outcome: Outcome) => void)[] = [];
  let calledAgain = 0;
  const hook = new LeaderHook(
    () => new Promise((resolve) => ends.push(resolve)),
    () => calledAgain++,
  );
  hook.runWhenDue(NEVER);
  hook.runWhenDue(NEVER);
  expect(ends).toHaveLength(1);
  hook.call();
  hook.runWhenDue(NEVER);
  expect(ends).toHaveLength(1);
  ends[0]?.(done);
  await hook.ended();
  expect(calledAgain).toBe(1);
  hook.runWhenDue(NEVER);
  expect(ends).toHaveLength(2);
  ends[1]?.(done);
  await hook.ended();
  hook.runWhenDue(NEVER);
  expect([calledAgain, ends.length]).toEqual([1, 2]);
});

test('what was not done is tried again after a second', async () => {
  const runs: number[] = [];
  const hook = new LeaderHook(
    async () => {
      runs.push(performance.now());
      return runs.length === 1 ? retry('not now') : done;
    },
    () => undefined,
  );
  const deadline = performance.now() + 30_000;
  while (runs.length < 2 && performance.now() < deadline) {
    hook.runWhenDue(NEVER);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(runs).toHaveLength(2);
  expect((runs[1] ?? 0) - (runs[0] ?? 0)).toBeGreaterThanOrEqual(1000);
  hook.runWhenDue(NEVER);
  expect(runs).toHaveLength(2);
});

test.each(['reconcile', 'whileLeader'] as const)(
  'a statement of %s that does not end holds up no keeper that is to leave Postgres running',
  async (hook) => {
    const { monitor, first } = await twoNodes();
    await first.end('handOff');
    let tried = 0;
    const work = async ({ sql }: NodeContext): Promise<Outcome> => {
      tried++;
      const session = await sql.session();
      await session.query('SELECT pg_sleep(25)').catch(() => undefined);
      // Nor does one that goes on all the same get another.
      await sql.query('SELECT pg_sleep(25)');
      return done;
    };
    first.part = { [hook]: work };
    first.run();
    await until('the hook runs', monitor, () => tried > 0);
    const sleeps = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    await until('its statement does', monitor, async () => (await first.sql.query(sleeps)).length > 0);
    // Were it waited for, the lease would be over meanwhile.
    await first.end('handOff');
    expect(await first.sql.query('SELECT pg_is_in_recovery() AS standby')).toEqual([{ standby: false }]);
  },
);
