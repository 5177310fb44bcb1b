import { expect, it } from 'vitest';
import { monitorIni, nodeIni } from './node-ini.js';

const plan = {
  kind: 'pgsql',
  image: 'pgaf:15',
  dbname: 'app',
  nodes: [{ name: 'node1', role: 'postgres' }],
} as const;

it('describes a monitor', () => {
  expect(monitorIni(plan)).toBe(`[node]
kind = monitor
hostname = monitor

[postgresql]
pgdata = /var/lib/postgresql/data

[options]
ssl = off
auth = trust
pg_hba_lan = true
`);
  expect(monitorIni({ ...plan, numberSyncStandbys: 2 })).toContain(
    '\n[formation default]\nnum_sync_standbys = 2\n',
  );
});

it('describes a node, with what is planned of it and no more', () => {
  expect(nodeIni(plan, { name: 'node1', role: 'postgres' })).toBe(`[node]
kind = postgres
name = node1
hostname = node1

[postgresql]
pgdata = /var/lib/postgresql/data
dbname = app

[monitor]
pguri = postgres://autoctl_node@monitor:5432/pg_auto_failover?sslmode=prefer

[options]
ssl = off
auth = trust
pg_hba_lan = true
`);
  const node = { name: 'b', role: 'other', group: 0, candidatePriority: 0, replicationQuorum: false };
  expect(nodeIni(plan, node)).toContain(
    '\n[formation]\ngroup = 0\n\n[settings]\ncandidate_priority = 0\nreplication_quorum = false\n',
  );
});
