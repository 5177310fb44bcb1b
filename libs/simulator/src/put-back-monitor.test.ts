import { expect, test } from 'vitest';
import { schedule } from './inject.js';
import { realMachine } from './machine.js';
import { form } from './run-scenario.js';
import { plainNodes } from './scenario.js';
import { World, type Host } from './world.js';

const LONG = 3_600_000;

/** The primary was killed and replaced, and the files of the monitor are as they were before. */
function replacedAndForgotten(seed: number, nodes: number): { world: World; old: Host; successor: Host } {
  const world = new World(seed, realMachine());
  form(world, plainNodes(nodes));
  const [old] = world.hosts;
  if (!old) throw new Error('no node');
  const before = world.queue.now;
  world.run(3000);
  schedule(world, { do: 'killNode', at: 0, node: old.id, for: LONG });
  const taken = world.run(10_000, () =>
    world.hosts.some((host) => host !== old && host.postgres.takesWrites),
  );
  const successor = world.hosts.find(({ postgres }) => postgres.takesWrites);
  if (!taken || !successor) return expect.fail([world.violation?.what, ...world.story()].join('\n'));
  world.run(2000);
  world.monitor.putBack(world.queue.now - before);
  expect(world.monitor.group).toMatchObject({ epoch: 1, leader: old.id, restored: false });
  return { world, old, successor };
}

function epochOf(world: World, { id }: Host): number | undefined {
  return world.monitor.group.nodes.find((node) => node.id === id)?.report.facts.epoch;
}

test.each([
  [2, 1],
  [2, 2],
  [2, 3],
  [3, 1],
  [3, 2],
  [3, 3],
])(
  'of %d nodes, one that led before opens by nobody’s word once a node told of a later epoch (seed %d)',
  (nodes, seed) => {
    const { world, old, successor } = replacedAndForgotten(seed, nodes);
    for (const { id, keeper } of world.hosts) if (id !== old.id && id !== successor.id) keeper.freeze();
    expect(world.run(10_000, () => epochOf(world, successor) === 2)).toBe(true);
    old.keeper.start();
    world.run(10_000);
    for (const { keeper } of world.hosts) keeper.thaw();
    expect(
      world.run(60_000, () => world.isStable()),
      [world.violation?.what, ...world.story()].join('\n'),
    ).toBe(true);
    expect(world.monitor.group).toMatchObject({ leader: successor.id, restored: false });
  },
);
