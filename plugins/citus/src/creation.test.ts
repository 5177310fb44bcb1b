import { expect, it } from 'vitest';
import { choose } from './creation.js';

const asked = { flags: {}, group: null, candidatePriority: null };
const replica = { ...asked, flags: { 'citus-secondary': true, 'citus-cluster': 'readers' } };

it('a node may take over unless it is made a read replica', () => {
  expect(choose(asked, 1)).toEqual({ tag: 'node', cluster: 'default' });
  expect(choose(replica, 1)).toEqual({ tag: 'node', cluster: 'readers', candidatePriority: 0 });
  expect(choose({ ...replica, candidatePriority: 0 }, 1)).toMatchObject({ tag: 'node' });
});

it.each([
  ['a worker in the group of the coordinator', { ...asked, group: 0 }, /--group 1/],
  ['a replica of no cluster', { ...asked, flags: { 'citus-secondary': true } }, /--citus-cluster/],
  [
    'a replica of a cluster without a name',
    { ...asked, flags: { 'citus-secondary': true, 'citus-cluster': '' } },
    /letters/,
  ],
  ['a cluster and no replica', { ...asked, flags: { 'citus-cluster': 'readers' } }, /--citus-secondary/],
  ['a replica with a priority', { ...replica, candidatePriority: 50 }, /Leave --candidate-priority out/],
])('%s is refused', (_what, request, hint) => {
  expect(choose(request, 1)).toMatchObject({ tag: 'refused', hint: expect.stringMatching(hint) });
});
