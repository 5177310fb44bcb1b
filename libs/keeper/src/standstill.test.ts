import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withGoal } from '@pgaf/fsm/group';
import { expect, test } from 'vitest';
import { isToFollow, standstillOf } from './standstill.js';
import { newNodeState } from './state-file.js';
import { atRest, killPostmaster, twoNodes, until } from './testing/test-nodes.js';

const place = { formation: 'default', kind: 'pgsql', role: 'node', group: 0, nodeId: 2, name: 'node_2' };

test('what was found of one leader, or in one epoch, says nothing of another', () => {
  const state = { ...newNodeState({ ...place, goal: 'secondary' }), epoch: 2 };
  const standstill = { leader: 1, epoch: 2, why: 'wal-gone' } as const;
  const leader = (id: number) => ({ id });
  expect(standstillOf({ standstill, state, leader: () => leader(1) })).toBe('wal-gone');
  expect(standstillOf({ standstill, state, leader: () => leader(3) })).toBe(null);
  expect(standstillOf({ standstill, state, leader: () => null })).toBe(null);
  expect(standstillOf({ standstill, state: { ...state, epoch: 3 }, leader: () => leader(1) })).toBe(null);
});

test('who has promised, or is to, is not to follow', () => {
  const state = { ...newNodeState({ ...place, goal: 'secondary' }), epoch: 2 };
  expect(isToFollow(state)).toBe(true);
  expect(isToFollow({ ...state, promised: 3 })).toBe(false);
  for (const goal of ['prepare_promotion', 'report_lsn', 'wait_primary', 'demoted'] as const)
    expect(isToFollow({ ...state, goal })).toBe(false);
});

test('a standby that lacks WAL keeps its data once it is asked for a promise', async () => {
  const { monitor, first, second } = await twoNodes({ slotBound: '64MB' });
  await second.end('orderly');
  await atRest(monitor, { 1: 'wait_primary' });
  // A copy cannot begin: it would have its files where the first node has them.
  const space = join(first.config.socketDirectory, 'space');
  await mkdir(space);
  await first.sql.query(`CREATE TABLESPACE space LOCATION '${space}'`);
  await first.sql.query(`ALTER SYSTEM SET wal_keep_size = 0`);
  await first.sql.query('SELECT pg_reload_conf()');
  await first.sql.query(
    'CREATE TABLE t AS SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 150000) AS i',
  );
  await first.sql.query('CHECKPOINT');
  const lag = (): bigint => monitor.node(1).report.lsn - monitor.node(2).report.lsn;
  await until('the monitor knows the lag', monitor, () => lag() > 64n * 1024n * 1024n);
  second.run();
  await until('the standby waits for a place', monitor, () =>
    Boolean(second.keeper?.waitingFor?.includes('has a tablespace')),
  );
  monitor.order((group) => withGoal(group, 2, 'prepare_promotion'));
  await until('node 2 has promised', monitor, () => monitor.node(2).reported === 'prepare_promotion');
  await killPostmaster(second);
  await until('Postgres of node 2 is back', monitor, () =>
    second.sql.query('SELECT 1').then(
      () => true,
      () => false,
    ),
  );
  await until('the promise is told again', monitor, () => {
    const { reported, report } = monitor.node(2);
    return reported === 'prepare_promotion' && report.facts.promise !== undefined;
  });
});
