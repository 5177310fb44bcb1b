import { expect, it } from 'vitest';
import { pgsql } from './test-formation.js';

it('plans a primary with its standbys', () => {
  expect(pgsql()).toEqual({
    kind: 'pgsql',
    image: 'pgaf:15',
    dbname: 'app',
    nodes: [
      { name: 'node1', role: 'postgres' },
      { name: 'node2', role: 'postgres' },
    ],
  });
  expect(pgsql({ nodes: 4, numberSyncStandbys: 2, dbname: 'shop' })).toMatchObject({
    dbname: 'shop',
    numberSyncStandbys: 2,
    nodes: [{ name: 'node1' }, { name: 'node2' }, { name: 'node3' }, { name: 'node4' }],
  });
});

it.each([0, -1, 1.5, Number.NaN])('refuses %s nodes', (nodes) => {
  expect(() => pgsql({ nodes })).toThrow(RangeError);
});
