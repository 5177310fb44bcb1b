import type { FormationView, NodeView } from '@pgaf/plugin-api';
import { expect, it } from 'vitest';
import { whyNotActive } from './await-coordinator.js';

const node = (id: number, role: string, said: NodeView['said'] = {}): NodeView => ({
  ...{ id, name: `n${id}`, host: `h${id}`, port: 5432, role, cluster: 'default', said },
  ...{ reported: 'primary', goal: 'primary' },
});
const formation = (said: NodeView['said']): FormationView => ({
  ...{ formation: 'default', kind: 'citus', dbname: 'citus' },
  groups: [
    { group: 0, epoch: 1, leader: 1, memory: {}, restored: false, nodes: [node(1, 'coordinator', said)] },
    { group: 2, epoch: 1, leader: 2, memory: {}, restored: false, nodes: [node(2, 'worker')] },
  ],
});
const at = (group: number) => formation({ active: [{ group, host: 'h2', port: 5432 }] });

it('a worker is active when its group is, at its place', () => {
  expect(whyNotActive(node(2, 'worker'), at(2))).toBeNull();
  expect(whyNotActive(node(2, 'worker'), formation({ active: [] }))?.text).toContain('is to add this node');
});

it('a worker is not active for a group that was there before', () => {
  expect(whyNotActive(node(2, 'worker'), at(1))?.text).toContain('is to add this node');
});
