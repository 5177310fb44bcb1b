import { expect, it } from 'vitest';
import { citus } from './test-formation.js';

it('plans a coordinator and worker groups, with a standby each', () => {
  expect(citus()).toMatchObject({ kind: 'citus', image: 'pgaf-citus:15', dbname: 'citus' });
  expect(citus().nodes).toEqual([
    { name: 'coord0a', role: 'coordinator', group: 0 },
    { name: 'coord0b', role: 'coordinator', group: 0 },
    { name: 'worker1a', role: 'worker', group: 1 },
    { name: 'worker1b', role: 'worker', group: 1 },
    { name: 'worker2a', role: 'worker', group: 2 },
    { name: 'worker2b', role: 'worker', group: 2 },
  ]);
});

it('plans as many workers and standbys as are wanted', () => {
  const names = citus({ workers: 1, standbys: 2 }).nodes.map(({ name }) => name);
  expect(names).toEqual(['coord0a', 'coord0b', 'coord0c', 'worker1a', 'worker1b', 'worker1c']);
  expect(citus({ workers: 0, standbys: 0 }).nodes).toEqual([
    { name: 'coord0a', role: 'coordinator', group: 0 },
  ]);
});

it.each([{ workers: -1 }, { workers: 1.5 }, { standbys: -1 }, { standbys: 26 }, { standbys: 0.5 }])(
  'refuses %j',
  (options) => {
    expect(() => citus(options)).toThrow(RangeError);
  },
);
