import { baseEdgeTable } from '@pgaf/fsm/edge-table';
import { Random } from '@pgaf/simulator/random';
import { expect, it } from 'vitest';
import { draw } from './draw.js';
import { pathTo } from './lane.js';
import { momentOf, momentsOfWay } from './moments.js';
import { momentsOf, OPERATIONS } from './operations.js';
import { overlap } from './writable-watch.js';

it('kills at every step of every edge that an operation passes', () => {
  const table = baseEdgeTable();
  for (const operation of OPERATIONS) {
    const moments = momentsOf(operation);
    for (const way of operation.passes) {
      const edge = table.get(way);
      expect(edge, way).toBeDefined();
      for (const step of edge?.steps ?? []) expect(moments).toContain(`${way} ${step.do}`);
      expect(moments).toContain(`${way} reached`);
    }
    expect(new Set(moments).size).toBe(moments.length);
  }
});

it('knows no edge that the table does not have', () => {
  expect(() => momentsOfWay('single->secondary')).toThrow('there is no edge single->secondary');
});

it('reads moments off the logs, and leaves upkeep out', () => {
  const line = { level: 'debug', time: 1 };
  const step = { ...line, step: 'promise', from: 'secondary', to: 'prepare_promotion' };
  expect(momentOf({ ...step, msg: 'Step promise begins' })).toBe('secondary->prepare_promotion promise');
  expect(momentOf({ ...step, msg: 'Step promise has ended' })).toBeNull();
  expect(momentOf({ ...step, to: 'secondary', msg: 'Step promise begins' })).toBeNull();
  const reached = { ...line, from: 'init', to: 'single', msg: 'Reached state "single"' };
  expect(momentOf(reached)).toBe('init->single reached');
  const order = {
    ...line,
    rule: 'standby.ready',
    from: 'catchingup',
    to: 'secondary',
    msg: 'Node 2 is to go',
  };
  expect(momentOf(order)).toBe('catchingup->secondary assigned');
  expect(momentOf({ ...line, msg: 'The monitor answers again' })).toBeNull();
});

it('finds a way from each shape to each other one', () => {
  expect(pathTo('empty', 'lost').map(({ to }) => to)).toEqual(['one', 'two', 'lost']);
  expect(pathTo('lost', 'empty').map(({ to }) => to)).toEqual(['two', 'one', 'empty']);
  expect(pathTo('two', 'two')).toEqual([]);
});

it('draws the same of the same seed', () => {
  const ten = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 10 }, () => {
      const { operation, aims } = draw(random, 'two');
      return [operation.name, ...aims.map(({ victim, moment, delayMs }) => [victim.name, moment, delayMs])];
    });
  };
  expect(ten(1)).toEqual(ten(1));
  expect(ten(1)).not.toEqual(ten(2));
});

it('takes two nodes for writable at once only when both surely were', () => {
  const writable = (name: string, from: number, to: number) => ({ name, postmaster: name, from, to });
  expect(overlap(writable('node_1', 0, 10), writable('node_2', 9, 20))).toBe(true);
  expect(overlap(writable('node_1', 0, 10), writable('node_2', 10, 20))).toBe(false);
  expect(overlap(writable('node_1', 0, 10), writable('node_1', 5, 20))).toBe(false);
});
