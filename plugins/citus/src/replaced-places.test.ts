import type { FormationView, GroupView, NodeView } from '@pgaf/plugin-api';
import { describe, expect, it } from 'vitest';
import { replacedNodes, replacedPlaces } from './replaced-places.js';

const node = (id: number, change: Partial<NodeView> = {}): NodeView => ({
  ...{ id, name: `n${id}`, host: `host${id}`, port: 5432, role: 'worker', cluster: 'default' },
  ...{ reported: 'primary', goal: 'primary', said: {} },
  ...change,
});
const group = (number: number, leader: number | null, ...nodes: NodeView[]): GroupView => ({
  ...{ group: number, epoch: 2, leader, memory: {}, restored: false, nodes },
});
const places = (...groups: GroupView[]): string[] => {
  const formation: FormationView = { formation: 'default', kind: 'citus', dbname: 'citus', groups };
  return replacedPlaces(formation, 0).map(({ host, port }) => `${host}:${port}`);
};
const silent = (id: number, change: Partial<NodeView> = {}) => node(id, { goal: 'demoted', ...change });
const standby = (id: number) => node(id, { reported: 'secondary', goal: 'secondary' });

describe('the places of nodes that were replaced', () => {
  it('are those of silent primaries that another node has taken over from', () => {
    expect(places(group(0, 1, node(1)), group(1, 3, silent(2), node(3)))).toEqual(['host2:5432']);
  });

  it('are not those of primaries, of standbys, or of who has said that it stopped', () => {
    expect(places(group(0, 1, node(1), standby(9)), group(1, 2, node(2), standby(3)))).toEqual([]);
    expect(places(group(1, 3, silent(2, { reported: 'demoted' }), node(3)))).toEqual([]);
    expect(places(group(1, null, silent(2), standby(3)))).toEqual([]);
  });

  it('are left alone in the own group, and while the monitor knows the group from a backup', () => {
    expect(places(group(0, 2, silent(1), node(2)))).toEqual([]);
    expect(places({ ...group(1, 3, silent(2), node(3)), restored: true })).toEqual([]);
  });

  it('are not those where a primary is now', () => {
    const moved = { host: 'host2', port: 5432 };
    expect(places(group(1, 3, silent(2), node(3)), group(2, 4, node(4, moved)))).toEqual([]);
  });

  it('are also those of poolers', () => {
    expect(places(group(1, 3, silent(2, { said: { proxyPort: 6432 } }), node(3)))).toEqual([
      'host2:5432',
      'host2:6432',
    ]);
  });
});

describe('nodes that were replaced', () => {
  it('are told with the others of their group, of which one took over', () => {
    const formation = { formation: 'default', kind: 'citus', dbname: 'citus' };
    const groups = [group(0, 3, silent(2), node(3), standby(4)), group(1, 5, node(5), standby(6))];
    expect(replacedNodes({ ...formation, groups }, 1)).toEqual([
      { group: 0, node: silent(2), others: [node(3), standby(4)] },
    ]);
  });
});
