import type { FormationView, NodeView } from '@pgaf/plugin-api';
import { expect, it } from 'vitest';
import { removalLoss, validateRemoval } from './removal.js';

const node = (id: number, change: Partial<NodeView> = {}): NodeView => ({
  ...{ id, name: `n${id}`, host: `h${id}`, port: 5432, role: 'worker', cluster: 'default' },
  ...{ reported: 'primary', goal: 'primary' },
  ...change,
});
const formation = (said: NodeView['said'], ...workers: NodeView[]): FormationView => ({
  ...{ formation: 'default', kind: 'citus', dbname: 'citus' },
  groups: [
    { group: 0, epoch: 1, leader: 1, memory: {}, restored: false, nodes: [node(1, { said: said ?? {} })] },
    { group: 1, epoch: 1, leader: 2, memory: {}, restored: false, nodes: workers },
  ],
});
const shards = { shards: [{ group: 1, shards: 8 }] };
const worker = (view: FormationView) => validateRemoval({ node: 2, group: 1, formation: view });

it('a worker goes, and asks the coordinator itself; not where there is none', () => {
  expect(worker(formation(shards, node(2)))).toBeNull();
  const alone = { ...formation(shards, node(2)), groups: formation(shards, node(2)).groups.slice(1) };
  expect(worker(alone)).toMatchObject({
    reason:
      'node 2 is the last of group 1, and there is no coordinator to say whether there are shards in it',
  });
  const withStandby = formation(shards, node(2), node(3)).groups.slice(1);
  expect(worker({ ...alone, groups: withStandby })).toBeNull();
});

it('what goes with a node by force is told', () => {
  const loss = (view: FormationView) => removalLoss({ node: 2, group: 1, formation: view });
  expect(loss(formation(shards, node(2)))).toContain('group 1 is gone with 8 shards; its row stays');
  expect(loss(formation({}, node(2)))).toContain('with the shards that only it had');
  expect(loss(formation({ shards: [{ group: 2, shards: 8 }] }, node(2)))).toBeNull();
  expect(loss(formation(shards, node(2), node(3)))).toBeNull();
  expect(loss(formation(shards, node(2), node(3, { goal: 'dropped' })))).toContain('8 shards');
  expect(loss(formation(shards, node(2), node(3, { cluster: 'readers' })))).toContain('8 shards');
  expect(loss(formation(shards, node(2, { cluster: 'readers' })))).toBeNull();
  const coordinator = { node: 1, group: 0, formation: formation({}, node(2)) };
  expect(removalLoss(coordinator)).toContain('has no coordinator any more');
});

it('the coordinator goes last', () => {
  const request = { node: 1, group: 0 };
  expect(validateRemoval({ ...request, formation: formation({}, node(2)) })).toMatchObject({
    reason: 'the coordinator is needed by the worker groups 1',
  });
  expect(validateRemoval({ ...request, formation: formation({}) })).toBeNull();
});
