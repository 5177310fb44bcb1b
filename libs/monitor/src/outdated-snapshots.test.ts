import type { Timings } from '@pgaf/plugin-api/snapshot';
import type { Client } from 'pg';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Announcer } from './announcer.js';
import { CommandDesk } from './command-desk.js';
import { Contacts } from './contacts.js';
import { GroupDesk } from './group-desk.js';
import { loadGroups } from './group-store.js';
import type { HealthChecker } from './health-checker.js';
import { Inbox } from './inbox.js';
import { beginTerm } from './term.js';
import type { FakeKeeper } from './testing/fake-keeper.js';
import { formGroup } from './testing/formed-group.js';
import { LogBook } from './testing/log-book.js';
import { kinds, TestMonitor, until } from './testing/test-monitor.js';

const FORMATIONS = ['promoted', 'forked'] as const;
const TIMINGS: Timings = {
  serviceStartedAt: 0,
  silentAfter: 2500,
  badHealthAfter: 5000,
  leaseMargin: 1500,
  enableSyncLag: 0n,
};

let monitor: TestMonitor;
let writer: pg.Client;
let eyes: pg.Client;
let standbys: Record<(typeof FORMATIONS)[number], FakeKeeper>;
const keepers: FakeKeeper[] = [];

beforeAll(async () => {
  monitor = await TestMonitor.create();
  writer = await monitor.connectAsSuperuser();
  eyes = await monitor.connectAsSuperuser();
  const service = await monitor.serve();
  const formed: FakeKeeper[] = [];
  for (const formation of FORMATIONS) {
    await eyes.query(`SELECT pgautofailover.create_formation($1, 'pgsql', 'postgres', true, 0)`, [formation]);
    const pair = await formGroup(monitor, formation, ['a', 'b']);
    keepers.push(...pair);
    formed.push(...pair.slice(1));
  }
  const [promoted, forked] = formed;
  const [primary] = keepers;
  if (!promoted || !forked || !primary) throw new Error('two pairs');
  standbys = { promoted, forked };
  await eyes.query(`SELECT pgautofailover.perform_failover('promoted')`);
  await primary.awaitGoal('draining');
  const stopped = { belowEpoch: 2, finalLsn: 0x3000100n };
  await primary.report({ state: 'draining', running: false, facts: { epoch: 1, stopped } });
  await promoted.awaitGoal('prepare_promotion');
  await service.stop();
}, 60_000);

afterAll(async () => {
  await monitor?.destroy();
  await Promise.all(keepers.map((keeper) => keeper.postgres.close()));
});

let term = 0;
beforeEach(async () => {
  ({ term } = await beginTerm(writer));
});

/** The writer, to which a keeper reports each time groups have been read, unless the report has to wait. */
async function outpacedBy(keeper: FakeKeeper): Promise<{ client: Client; reports: Promise<unknown>[] }> {
  const { rows } = await eyes.query<{ pid: number }>(
    'SELECT sessionpid AS pid FROM pgautofailover.node WHERE nodeid = $1',
    [keeper.id],
  );
  const reports: Promise<unknown>[] = [];
  const report = async () => {
    let isHeard = false;
    reports.push(keeper.report().finally(() => (isHeard = true)));
    await until('the report is heard, or waits', async () => {
      const waits = await eyes.query('SELECT FROM pg_locks WHERE pid = $1 AND NOT granted', [rows[0]?.pid]);
      return isHeard || waits.rowCount !== 0;
    });
  };
  const query = async (statement: string | { name?: string }, values?: unknown[]) => {
    const result = await writer.query(statement as string, values);
    if (typeof statement === 'object' && statement.name === 'groups') await report();
    return result;
  };
  return { client: { query } as unknown as Client, reports };
}

async function deskOptions(client: Client) {
  const { rows } = await writer.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const log = new LogBook();
  const announcer = new Announcer(
    eyes,
    () => undefined,
    () => undefined,
  );
  return {
    ...{
      client,
      eyes,
      term,
      kinds,
      announcer,
      timings: TIMINGS,
      inbox: new Inbox(),
      contacts: new Contacts(),
    },
    ...{ logger: log, pid: rows[0]?.pid ?? 0, checker: {} as HealthChecker },
  };
}

async function leaderOf(formation: string): Promise<unknown> {
  const { rows } = await eyes.query(
    'SELECT epoch::int, leader::int FROM pgautofailover.group_state WHERE formationid = $1',
    [formation],
  );
  return rows[0];
}

test('a promotion is decided although its candidate reports again and again', async () => {
  const { promoted } = standbys;
  const promise = { epoch: 2, tli: 1, lsn: 0x3000100n };
  await promoted.report({ state: 'prepare_promotion', facts: { epoch: 1, promise } });
  const { client, reports } = await outpacedBy(promoted);
  const options = await deskOptions(client);
  const groups = await loadGroups(client, TIMINGS, [{ formation: 'promoted', group: 0 }]);
  await new GroupDesk(options).settleAll(options.contacts.date(groups));
  await Promise.all(reports);
  expect(await leaderOf('promoted')).toEqual({ epoch: 2, leader: promoted.id });
});

test('a command that promotes is carried out although its candidate reports again and again', async () => {
  const { forked } = standbys;
  // Nobody leads any more, and somebody has opened the standby.
  await writer.query(`UPDATE pgautofailover.group_state SET leader = NULL WHERE formationid = 'forked'`);
  await forked.report({ tli: 2 });
  await writer.query(`SELECT pgautofailover_private.insert_command(
    nextval('pgautofailover.command_commandid_seq'), 'accept_timeline', 'forked', 0, '{"tli": 2}', 'somebody', NULL, '1 min')`);
  const { client, reports } = await outpacedBy(forked);
  await new CommandDesk(await deskOptions(client)).answerWaiting();
  await Promise.all(reports);
  const { rows } = await eyes.query(
    `SELECT status, message FROM pgautofailover.command WHERE kind = 'accept_timeline'`,
  );
  expect(rows).toEqual([{ status: 'done', message: null }]);
  expect(await leaderOf('forked')).toEqual({ epoch: 2, leader: forked.id });
});
