import { describe, expect, it } from 'vitest';
import { assignGroup, nodeName, validateNode } from './placement.js';

const request = { role: 'worker', cluster: 'default', wantedGroup: null, secondary: true, groups: [] };
const groups = (...nodes: number[]) => nodes.map((count, group) => ({ group, nodes: count }));

describe('the group of a node', () => {
  it('is 0 for coordinators alone', () => {
    expect(assignGroup({ ...request, role: 'coordinator', groups: groups(1, 2) })).toEqual({
      tag: 'group',
      group: 0,
    });
    expect(assignGroup({ ...request, role: 'coordinator', wantedGroup: 1 })).toMatchObject({
      tag: 'refused',
    });
    expect(assignGroup({ ...request, wantedGroup: 0 })).toMatchObject({ tag: 'refused' });
  });

  it('is filled in pairs by workers', () => {
    const chosen = (...nodes: number[]) => assignGroup({ ...request, groups: groups(...nodes) });
    expect(chosen()).toEqual({ tag: 'group', group: 1 });
    expect(chosen(2, 1)).toEqual({ tag: 'group', group: 1 });
    expect(chosen(2, 2)).toEqual({ tag: 'group', group: 2 });
    expect(chosen(2, 2, 0, 1)).toEqual({ tag: 'group', group: 2 });
    expect(chosen(2, 3, 1, 2)).toEqual({ tag: 'group', group: 2 });
  });

  it('is a new one each where there are no standbys', () => {
    expect(assignGroup({ ...request, secondary: false, groups: groups(1, 1) })).toEqual({
      tag: 'group',
      group: 2,
    });
    expect(assignGroup({ ...request, secondary: false, groups: groups(1, 1), wantedGroup: 1 })).toMatchObject(
      { tag: 'refused' },
    );
  });

  it('is the one that was asked for', () => {
    expect(assignGroup({ ...request, wantedGroup: 7 })).toEqual({ tag: 'group', group: 7 });
  });
});

const registration = {
  ...{ formation: 'default', role: 'worker', host: 'a', port: 5432, cluster: 'default' },
  ...{ candidatePriority: 50, group: 1, position: 0 },
};

it('a node is named by its role, its group and its place there', () => {
  expect(nodeName({ ...registration, role: 'coordinator', group: 0 })).toBe('coord0a');
  expect(nodeName({ ...registration, position: 1 })).toBe('worker1b');
  expect(nodeName({ ...registration, group: 12, position: 25 })).toBe('worker12z');
  expect(nodeName({ ...registration, position: 26 })).toBe('worker1aa');
});

it('a read replica is a standby that is never promoted', () => {
  expect(validateNode(registration)).toBeNull();
  const replica = { ...registration, cluster: 'readers', position: 1, candidatePriority: 0 };
  expect(validateNode(replica)).toBeNull();
  expect(validateNode({ ...replica, candidatePriority: 1 })).toMatchObject({ tag: 'refused' });
  expect(validateNode({ ...replica, position: 0 })).toMatchObject({ tag: 'refused' });
});
