import { describe, expect, it } from 'vitest';
import { eventsTable } from './events-table.js';
import { notificationTable } from './notification-table.js';
import { nodeLabelFor } from './node-label.js';
import { stateTable, type StateRow } from './state-table.js';
import { uriTable } from './uri-table.js';

const node2: StateRow = {
  formation_kind: 'pgsql',
  nodename: 'node2',
  nodehost: 'node2',
  nodeport: 5432,
  group_id: 0,
  node_id: 1,
  current_group_state: 'primary',
  assigned_group_state: 'primary',
  reported_tli: 1,
  reported_lsn: '0/3000148',
  health: 1,
};

describe('show state', () => {
  it('tells an address from its port', () => {
    expect(stateTable([{ ...node2, nodehost: 'fd00::2' }], nodeLabelFor('one'))).toContain(
      '| [fd00::2]:5432 |',
    );
  });

  it('is the table of the tutorial', () => {
    const node1 = {
      ...node2,
      nodename: 'node1',
      nodehost: 'node1',
      node_id: 2,
      current_group_state: 'secondary',
      assigned_group_state: 'secondary',
    };
    expect(stateTable([node2, node1], nodeLabelFor('one')).split('\n')).toEqual([
      ' Name |  Node |  Host:Port |       TLI: LSN |   Connection |      Reported State |      Assigned State',
      '------+-------+------------+----------------+--------------+---------------------+--------------------',
      'node2 |     1 | node2:5432 |   1: 0/3000148 |   read-write |             primary |             primary',
      'node1 |     2 | node1:5432 |   1: 0/3000148 |    read-only |           secondary |           secondary',
      '',
      '',
    ]);
  });

  it('marks health that is bad or not known, and names the group where there are several', () => {
    const table = stateTable(
      [
        { ...node2, health: 0 },
        { ...node2, health: -1, current_group_state: 'demoted', group_id: 1, node_id: 12 },
      ],
      nodeLabelFor('several'),
    );
    expect(table).toContain('|   0/1 | node2:5432 |   1: 0/3000148 | read-write ! |');
    expect(table).toContain('|  1/12 | node2:5432 |   1: 0/3000148 |       none ? |');
  });

  it('widens what is too narrow', () => {
    const [header, rule, row] = stateTable(
      [{ ...node2, nodename: 'a-longer-name' }],
      nodeLabelFor('one'),
    ).split('\n');
    expect(header).toMatch(/^ {9}Name \|/);
    expect(rule).toMatch(/^-{14}\+/);
    expect(row).toMatch(/^a-longer-name \|/);
  });
});

it('show uri is the table of the tutorial', () => {
  const monitor = 'postgres://autoctl_node@58053a02af03:5432/pg_auto_failover?sslmode=require';
  expect(uriTable([{ type: 'monitor', name: 'monitor', uri: monitor }]).split('\n')).toEqual([
    '        Type |    Name | Connection String',
    '-------------+---------+-------------------------------',
    `     monitor | monitor | ${monitor}`,
    '',
    '',
  ]);
});

it('show events prints what no rule decided without one', () => {
  const row = {
    eventtime: '2021-05-27 12:31:30.803842+00',
    groupid: 0,
    nodeid: 1,
    reportedstate: 'init',
    goalstate: 'single',
    rule: null,
    description: 'New',
  };
  expect(eventsTable([row]).split('\n').slice(0, 3)).toEqual([
    '                    Event Time |   Node |       Current State |      Assigned State |   Rule | Comment',
    '-------------------------------+--------+---------------------+---------------------+--------+-----------',
    ' 2021-05-27 12:31:30.803842+00 |    0/1 |                init |              single |        | New',
  ]);
});

it('the table of a waiting command is the one of the tutorial', () => {
  const nodes = [{ name: 'node2', host: 'node2', port: 5432, group: 0, id: 1 }];
  const table = notificationTable(nodes, nodeLabelFor('one'));
  const news = { groupId: 0, nodeId: 1, name: 'node2', host: 'node2', port: 5432 };
  const at = new Date(2026, 0, 1, 14, 57, 16);
  expect([
    ...table.header,
    table.row(at, { ...news, reportedState: 'primary', goalState: 'draining' }),
  ]).toEqual([
    '    Time |  Name |  Node |  Host:Port |       Current State |      Assigned State',
    '---------+-------+-------+------------+---------------------+--------------------',
    '14:57:16 | node2 |     1 | node2:5432 |             primary |            draining',
  ]);
});
