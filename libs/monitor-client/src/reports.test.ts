import { expect, test } from 'vitest';
import { assignmentOf, nodeActiveValues } from './reports.js';

test('LSNs travel as text, also those inside the facts', () => {
  const values = nodeActiveValues({
    formation: 'default',
    nodeId: 2,
    group: 0,
    reported: 'prepare_promotion',
    postgresRunning: true,
    tli: 1,
    lsn: 0x3000148n,
    syncState: 'quorum',
    facts: { epoch: 2, promise: { epoch: 2, tli: 1, lsn: 0x3000148n } },
  });
  expect(values).toEqual([
    'default',
    2,
    0,
    'prepare_promotion',
    true,
    1,
    '0/3000148',
    'quorum',
    '{"epoch":2,"promise":{"epoch":2,"tli":1,"lsn":"0/3000148"}}',
    null,
  ]);
});

test('an assignment has numbers for its LSNs', () => {
  const node = {
    id: 1,
    name: 'node_1',
    host: 'h',
    port: 5432,
    role: 'node',
    cluster: 'default',
    reported: 'primary',
    goal: 'primary',
    tli: 1,
    lsn: '0/3000148',
    candidatePriority: 50,
    quorum: true,
    paused: false,
  } as const;
  const assignment = assignmentOf(
    { goal: 'primary', priority: 50, quorum: true, assignment: null, version: '7' },
    {
      epoch: 1,
      leader: 1,
      restored: false,
      switchoverTarget: null,
      switchoverForced: false,
      walSource: null,
      setting: { version: 2, required: 1, members: [2] },
      nodes: [node],
      lineage: [
        { epoch: 1, tli: 1, switchpoint: null },
        { epoch: 2, tli: 2, switchpoint: '1/0' },
      ],
      memory: {},
      formation: { id: 'default', kind: 'pgsql', dbname: 'postgres' },
    },
  );
  expect(assignment.goal).toBe('primary');
  expect(assignment.nodes).toEqual([{ ...node, lsn: 0x3000148n }]);
  expect(assignment.lineage[1]).toEqual({ epoch: 2, tli: 2, switchpoint: 0x1_0000_0000n });
});
