import { describe, expect, it } from 'vitest';
import plugin from './plugin-pgsql.js';

const request = { role: 'node', cluster: 'default', wantedGroup: null, secondary: true, groups: [] };

describe('plain Postgres', () => {
  it('puts every node into group 0', () => {
    expect(plugin.assignGroup(request)).toEqual({ tag: 'group', group: 0 });
    expect(plugin.assignGroup({ ...request, wantedGroup: 0, groups: [{ group: 0, nodes: 2 }] })).toEqual({
      tag: 'group',
      group: 0,
    });
  });

  it('refuses another group', () => {
    expect(plugin.assignGroup({ ...request, wantedGroup: 1 })).toMatchObject({ tag: 'refused' });
  });

  it('refuses a standby in a formation without secondaries', () => {
    expect(plugin.assignGroup({ ...request, secondary: false })).toEqual({ tag: 'group', group: 0 });
    expect(
      plugin.assignGroup({ ...request, secondary: false, groups: [{ group: 0, nodes: 1 }] }),
    ).toMatchObject({
      tag: 'refused',
    });
  });

  it('names nodes by their id', () => {
    const registration = { formation: 'default', role: 'node', host: 'a', port: 5432, cluster: 'default' };
    const rest = { candidatePriority: 50, group: 0, position: 0 };
    expect(plugin.nodeName({ ...registration, ...rest, id: 7 })).toBe('node_7');
  });
});
