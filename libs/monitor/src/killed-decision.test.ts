import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FakeKeeper } from './testing/fake-keeper.js';
import { TestMonitor, until, type RunningService } from './testing/test-monitor.js';

/** The session of the service ends itself at its nth write since `writes` was set back; a commit is one, too. */
const KILLER = `
  CREATE SEQUENCE public.writes;
  CREATE TABLE public.fatal (nth bigint);
  CREATE FUNCTION public.count_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
  BEGIN
    IF pg_catalog.current_setting('application_name') = 'pgaf monitor'
       AND pg_catalog.nextval('public.writes') = (SELECT nth FROM public.fatal) THEN
      PERFORM pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid());
    END IF;
    RETURN NULL;
  END $$;
  ${['node', 'event', 'group_state', 'command']
    .map(
      (table) => `
        CREATE TRIGGER at_write AFTER INSERT OR UPDATE OR DELETE ON pgautofailover.${table}
          FOR EACH ROW EXECUTE FUNCTION public.count_write();
        CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT OR UPDATE OR DELETE ON pgautofailover.${table}
          DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.count_write();`,
    )
    .join('')}`;

let monitor: TestMonitor;
let service: RunningService;
let root: pg.Client;
let client: pg.Client;
let lsn = 0x3000000n;
const keepers: FakeKeeper[] = [];

beforeAll(async () => {
  monitor = await TestMonitor.create();
  root = await monitor.connectAsSuperuser();
  client = await monitor.connect();
  await root.query(KILLER);
  service = await monitor.serve();
  await twoNodes();
}, 60_000);

afterAll(async () => {
  await monitor?.destroy();
  await Promise.all(keepers.map((keeper) => keeper.postgres.close()));
});

async function twoNodes(): Promise<void> {
  const one = await FakeKeeper.register(monitor);
  keepers.push(one);
  await one.awaitGoal('single');
  await one.publishSystemIdentifier();
  await one.report({ state: 'single', facts: { epoch: 1, confirmedSetting: 1 } });
  const two = await FakeKeeper.register(monitor);
  keepers.push(two);
  await two.report({ state: 'wait_standby' });
  await one.awaitGoal('wait_primary');
  await one.report({ state: 'wait_primary' });
  await two.awaitGoal('catchingup');
  await two.publishSystemIdentifier();
  await two.report({ state: 'catchingup', facts: { epoch: 1 } });
  await settleAsPair(one, two, 1);
}

async function settleAsPair(primary: FakeKeeper, standby: FakeKeeper, epoch: number): Promise<void> {
  await standby.awaitGoal('secondary');
  await standby.report({ state: 'secondary' });
  const { assignment } = await primary.awaitGoal('primary');
  const confirmedSetting = assignment.setting?.version ?? 0;
  await primary.report({ state: 'primary', facts: { ...primary.facts, epoch, confirmedSetting } });
  await until('only the confirmed setting is in force', async () => {
    const { rows } = await client.query('SELECT settings_in_force AS f FROM pgautofailover.group_state');
    return rows[0].f.length === 1;
  });
}

async function goals(): Promise<unknown> {
  const { rows } = await client.query('SELECT nodeid, goalstate FROM pgautofailover.node ORDER BY 1');
  return rows;
}

/** Gives the order until it is carried out; one that was refused has changed nothing. */
async function order(): Promise<void> {
  await until(
    'the order is carried out',
    async () => {
      for (const keeper of keepers) await keeper.report();
      const before = await goals();
      try {
        await client.query('SELECT pgautofailover.perform_failover()');
        return true;
      } catch {
        expect(await goals()).toEqual(before);
        return false;
      }
    },
    30_000,
  );
}

async function handOver(from: FakeKeeper, to: FakeKeeper, epoch: number): Promise<void> {
  await order();
  lsn += 0x100n;
  const stopped = { belowEpoch: epoch + 1, finalLsn: lsn };
  const at = `0/${lsn.toString(16).toUpperCase()}`;
  await from.awaitGoal('draining');
  // One that is silent meanwhile is no candidate, and the primary opens again.
  await to.report();
  await from.report({ state: 'draining', running: false, lsn: at, facts: { epoch, stopped } });
  await to.awaitGoal('prepare_promotion');
  const promise = { epoch: epoch + 1, tli: epoch, lsn };
  await to.report({ state: 'prepare_promotion', lsn: at, facts: { epoch, promise } });
  await to.awaitGoal('wait_primary');
  const promoted = { epoch: epoch + 1, tli: epoch + 1, switchpoint: lsn };
  await to.report({ state: 'wait_primary', tli: epoch + 1, facts: { epoch: epoch + 1, promoted } });
  await from.awaitGoal('demoted');
  await from.report({ state: 'demoted' });
  await from.awaitGoal('catchingup');
  await from.report({ state: 'catchingup', running: true, tli: epoch + 1, facts: { epoch: epoch + 1 } });
  await settleAsPair(to, from, epoch + 1);
}

/** What was written in one transaction is there as a whole. */
async function checkTables(epoch: number): Promise<void> {
  const { rows: untold } = await root.query(
    `SELECT nodename, node.goalstate, told.goalstate AS told FROM pgautofailover.node, LATERAL (
       SELECT goalstate FROM pgautofailover.event WHERE event.nodeid = node.nodeid ORDER BY eventid DESC LIMIT 1) told
     WHERE told.goalstate <> node.goalstate`,
  );
  expect(untold).toEqual([]);
  const { rows: promotions } = await root.query(
    `SELECT count(*)::int AS n FROM pgautofailover.event WHERE rule = 'promotion.order'`,
  );
  expect(promotions).toEqual([{ n: 2 * (epoch - 1) }]);
  const { rows: group } = await root.query(
    'SELECT epoch::int, leader::int, jsonb_array_length(lineage) AS branches FROM pgautofailover.group_state',
  );
  expect(group).toEqual([{ epoch, leader: keepers[(epoch + 1) % 2]?.id, branches: epoch }]);
  const { rows: open } = await root.query(
    `SELECT kind FROM pgautofailover.command WHERE status IN ('new', 'running')`,
  );
  expect(open).toEqual([]);
}

test('a handover goes on whichever write of the service is its last, and no decision is there by half', async () => {
  let struck = 0;
  for (let epoch = 1; ; epoch++) {
    await root.query(`TRUNCATE public.fatal`);
    await root.query(`INSERT INTO public.fatal VALUES ($1)`, [epoch]);
    await root.query(`ALTER SEQUENCE public.writes RESTART`);
    const [from, to] = epoch % 2 === 1 ? keepers : keepers.toReversed();
    if (!from || !to) throw new Error('two keepers');
    await handOver(from, to, epoch);
    await checkTables(epoch + 1);
    const { rows } = await root.query<{ at: number }>('SELECT last_value::int AS at FROM public.writes');
    if ((rows[0]?.at ?? 0) < epoch) break;
    struck = epoch;
  }
  expect(struck).toBeGreaterThan(20);
  expect(service.log.at('error')).toEqual([]);
}, 300_000);
