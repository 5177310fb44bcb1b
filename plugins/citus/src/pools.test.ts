import type { NodeView } from '@pgaf/plugin-api';
import { expect, it } from 'vitest';
import { wantedPools } from './pools.js';

it('a row has a pool where its own node says so', () => {
  const node = (id: number, said: NodeView['said']): NodeView => ({
    ...{ id, name: `n${id}`, host: `h${id}`, port: 5432, role: 'worker', cluster: 'default' },
    ...{ reported: 'primary', goal: 'primary', said: said ?? {} },
  });
  const nodes = [node(1, {}), node(2, { proxyPort: 6432 }), node(3, { proxyPort: 7432 })];
  const groups = [{ group: 1, epoch: 1, leader: 1, memory: {}, restored: false, nodes }];
  const rows = [
    { id: 11, host: 'h1', port: 5432 },
    { id: 12, host: 'h2', port: 5432 },
    { id: 13, host: 'elsewhere', port: 5432 },
  ];
  expect(wantedPools(rows, { groups })).toEqual([{ id: 12, pool: 'host=h2 port=6432' }]);
});
