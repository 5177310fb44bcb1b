import { expect, test } from 'vitest';
import type { Fault } from './faults.js';
import { schedule } from './inject.js';
import { realMachine } from './machine.js';
import { form } from './run-scenario.js';
import { plainNodes } from './scenario.js';
import { World } from './world.js';

const LONG = 3_600_000;

function whole(seed: number): World {
  const world = new World(seed, realMachine());
  form(world, plainNodes(2));
  // Until the monitor has seen each node by itself.
  world.run(3000);
  expect(world.violation).toBeNull();
  return world;
}

/** Milliseconds until another node than before takes writes. */
function outage(world: World, fault: Fault, atMost: number): number {
  const before = world.hosts.find(({ postgres }) => postgres.takesWrites);
  const begun = world.queue.now;
  schedule(world, fault);
  const taken = world.run(atMost, () =>
    world.hosts.some(({ id, postgres }) => id !== before?.id && postgres.takesWrites),
  );
  if (!taken) expect.fail([world.violation?.what, ...world.story()].join('\n'));
  return world.queue.now - begun;
}

test.each([1, 2, 3, 4, 5])('a switchover moves the leader and leaves both nodes stable (seed %d)', (seed) => {
  const world = whole(seed);
  expect(outage(world, { do: 'switchover', at: 0 }, 2000)).toBeLessThan(1000);
  expect(world.run(20_000, () => world.isStable() && world.monitor.group.leader === 2)).toBe(true);
  expect(world.monitor.group.epoch).toBe(2);
});

test.each([1, 2, 3, 4, 5])('a leader whose processes are all killed is replaced (seed %d)', (seed) => {
  const world = whole(seed);
  expect(outage(world, { do: 'killNode', at: 0, node: 1, for: LONG }, 4000)).toBeLessThan(4000);
});

test('a leader whose Postgres cannot be started is replaced, and returns when it can', () => {
  const world = whole(1);
  outage(world, { do: 'breakPostgres', at: 0, node: 1, for: 20_000 }, 10_000);
  expect(world.run(60_000, () => world.isStable())).toBe(true);
  expect(world.monitor.group.leader).toBe(2);
});

test.each([1, 2, 3])('a leader that falls silent is replaced once its lease is over (seed %d)', (seed) => {
  const world = whole(seed);
  expect(outage(world, { do: 'powerOff', at: 0, node: 1, for: LONG }, 9000)).toBeGreaterThan(4500);
});

test.each([1, 2, 3])('a leader whose Postgres hangs and cannot be ended is replaced (seed %d)', (seed) => {
  const world = whole(seed);
  expect(outage(world, { do: 'freezePostgres', at: 0, node: 1, for: 60_000 }, 20_000)).toBeGreaterThan(4000);
  expect(world.run(90_000, () => world.isStable() && !world.hosts[0]?.postgres.isDoomed)).toBe(true);
  expect(world.monitor.group.leader).toBe(2);
});

test('a standby that dies stops holding writes', () => {
  const world = whole(1);
  schedule(world, { do: 'killNode', at: 0, node: 2, for: LONG });
  world.run(3000);
  const before = world.checks.acknowledgedCommits;
  world.run(2000);
  expect(world.checks.acknowledgedCommits).toBeGreaterThan(before);
});
