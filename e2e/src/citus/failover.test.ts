import type { Formation, Member } from '@pgaf/testing/formation';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CitusClients } from './citus-clients.js';
import {
  activeWorkers,
  coordinatorUri,
  layOutCitus,
  nodeUri,
  onUri,
  onCitusNode,
  onCoordinator,
  placeOf,
  primaryOfGroup,
  standbyOfGroup,
  startCitusNode,
} from './citus-formation.js';
import { lostRows, makeTables } from './citus-tables.js';
import { RepeatedStatement, type Repeated } from './repeated-statement.js';
import { citusVersion } from './real-citus.js';

const version = await citusVersion();
const ROWS = 75;
/** How much longer than on the coordinator a statement on another node may take to find the new primary. */
const ELSEWHERE_WITHIN = 2000;
/** What a client of other groups' shards may wait while a group fails over, on a machine that tests keep busy. */
const UNTOUCHED_WITHIN = 3000;

describe.skipIf(version === null)('a Citus formation', () => {
  let formation: Formation;
  beforeAll(async () => {
    formation = await layOutCitus(2, 2);
  });
  afterAll(() => formation?.dispose());

  const countRows = async (client: Client) => {
    const { rows: found } = await client.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM companies',
    );
    return found[0]?.count;
  };
  const rows = () => onCoordinator(formation, countRows);
  const sendsTo = (...members: readonly Member[]) =>
    formation.wait(`queries to be sent to ${members.map(placeOf).join(' and ')}`, async () => {
      const active = Object.values(await activeWorkers(formation).catch(() => ({})));
      return members.every((member) => active.includes(placeOf(member)));
    });
  const allAnswer = (how: string) =>
    formation.wait(`every row to be there ${how}`, async () => (await rows().catch(() => 0)) === ROWS);
  /** A row whose shard is in that group. */
  const companyOf = (group: number) =>
    onCoordinator(formation, async (client) => {
      const found = await client.query<{ id: number }>(
        `SELECT min(id)::int AS id FROM companies JOIN pg_dist_placement ON shardid =
           get_shard_id_for_distribution_column('companies', id) WHERE groupid = $1`,
        [group],
      );
      return found.rows[0]?.id;
    });
  /** What clients meet on each node while something happens to the group; on other groups' shards, too. */
  const whileAsked = async (group: number, scenario: () => Promise<void>) => {
    const other = group === 1 ? 2 : 1;
    const [worker, standby] = [await primaryOfGroup(formation, other), await standbyOfGroup(formation, 0)];
    const change = async (of: number) => `UPDATE companies SET name = name WHERE id = ${await companyOf(of)}`;
    const statements = {
      coordinator: new RepeatedStatement(coordinatorUri(formation), await change(group)),
      worker: new RepeatedStatement(nodeUri(worker), await change(group)),
      standby: new RepeatedStatement(nodeUri(standby), 'SELECT count(*) FROM companies'),
      otherShards: new RepeatedStatement(coordinatorUri(formation), await change(other)),
    };
    const all = Object.values(statements);
    const goOn = async () => {
      const before = all.map(({ successes }) => successes);
      await formation.wait('statements on every node to succeed', async () =>
        all.every(({ successes }, i) => successes > (before[i] ?? 0) + 5),
      );
    };
    const met: Partial<Record<keyof typeof statements, Repeated>> = {};
    try {
      await goOn();
      await scenario();
      await goOn();
    } finally {
      for (const [name, statement] of Object.entries(statements))
        met[name as keyof typeof statements] = await statement.stop();
    }
    const stalls = Object.entries(met).map(([name, { stall }]) => `${name} ${stall} ms`);
    console.log(`group ${group}, longest stalls: ${stalls.join(', ')}`);
    return met as Required<typeof met>;
  };
  const pools = async () =>
    (
      await onCoordinator(formation, (client) =>
        client.query<{ poolinfo: string; group: number }>(
          'SELECT poolinfo, groupid AS "group" FROM pg_dist_poolinfo JOIN pg_dist_node USING (nodeid)',
        ),
      )
    ).rows;
  const poolsAre = (...wanted: readonly string[]) =>
    formation.wait(`poolers of group 2: ${wanted.join()}`, async () => {
      const there = await pools();
      return (
        there.every((row) => row.group === 2) && there.map((row) => row.poolinfo).join() === wanted.join()
      );
    });
  const ownPool = () => `host=${formation.node(5).host.address} port=${formation.node(5).port}`;
  /** Their groups have their pairs again. */
  const comeBack = async (...lost: readonly Member[]) => {
    for (const member of lost) await formation.restart(member);
    await formation.waitUntilStable();
    for (const member of lost) await formation.waitForState(member.host.name, 'secondary');
    expect(await rows()).toBe(ROWS);
  };

  it('has a worker wait for its coordinator, and says so', async () => {
    await startCitusNode(formation, 3);
    await formation.wait('the worker to say what it waits for', async () => {
      const { stdout } = await formation.onMonitor(['show', 'state']);
      return stdout.includes('waiting: the formation "default" has no coordinator yet');
    });
    const worker = formation.node(3).host.name;
    const early = await formation.onMonitor(['activate', '--name', worker, '--wait', '1']);
    expect(early.status).toBe(3);
    expect(early.stderr).toContain(
      'Group 1 is not active after 1 s: the formation "default" has no coordinator',
    );
    expect(early.stderr).toContain('hint: ');
    for (const number of [1, 2, 4]) await startCitusNode(formation, number);
    // Its pooler is itself, so that there is one.
    await startCitusNode(formation, 5, ['--proxyport', String(formation.node(5).port)]);
    await startCitusNode(formation, 6);
    await formation.waitUntilStable();
    await sendsTo(formation.node(3), formation.node(5));
    await poolsAre(ownPool());
    const now = await formation.onMonitor(['activate', '--name', worker]);
    expect(now.stdout).toBe(`Group 1 is active, at "${worker}" (${placeOf(formation.node(3))}).\n`);
    const unknown = await formation.onMonitor(['activate', '--name', 'nobody']);
    expect(unknown.status).toBe(1);
    expect(unknown.stderr).toContain('There is no node "nobody" in the formation "default".');
  });

  it('is of the kind citus, its URI is the coordinator’s, and its workers have a table', async () => {
    const [kind] = await formation.probe.query<{ kind: string }>('SELECT kind FROM pgautofailover.formation');
    expect(kind).toEqual({ kind: 'citus' });
    const { stdout } = await formation.onMonitor(['show', 'uri', '--formation', 'default']);
    const hosts = [1, 2].map((number) => placeOf(formation.node(number))).join(',');
    expect(stdout).toContain(`postgres://${hosts}/citus?target_session_attrs=read-write`);
    await onCoordinator(formation, async (client) => {
      await client.query('SET citus.shard_count = 4');
      await client.query('CREATE TABLE companies (id bigserial PRIMARY KEY, name text NOT NULL)');
      await client.query(`SELECT create_distributed_table('companies', 'id')`);
      await client.query(
        `INSERT INTO companies (name) SELECT 'company ' || i FROM generate_series(1, ${ROWS}) AS i`,
      );
    });
    expect(await rows()).toBe(ROWS);
  });

  it.each(['failover', 'switchover', 'promotion'])('asks which group is to change: %s', async (what) => {
    const which = await formation.onMonitor(['perform', what]);
    expect(which.status).toBe(1);
    expect(which.stderr).toContain('has several groups: 0, 1, 2');
    expect(which.stderr).toContain('hint: Choose with --group: 0, 1, 2.');
    const none = await formation.onMonitor(['perform', what, '--group', '7']);
    expect(none.status).toBe(1);
    expect(none.stderr).toContain('has no group 7');
  });

  it('is run with the settings that we set, on nodes of both roles', async () => {
    for (const member of formation.nodes.slice(0, 6)) {
      const wanted = {
        'citus.local_hostname': member.host.address,
        'citus.metadata_sync_interval': '1s',
        'citus.metadata_sync_retry_interval': '1s',
        'citus.node_connection_timeout': '2s',
        'citus.node_conninfo': expect.stringMatching(/^sslmode=\w+ .*tcp_user_timeout=5000$/) as string,
        'citus.recover_2pc_interval': '-1',
        'citus.use_secondary_nodes': 'never',
        max_prepared_transactions: '200',
        shared_preload_libraries: expect.stringMatching(/^citus\b/) as string,
        wal_level: 'logical',
      };
      // Some are not in pg_settings.
      const { rows: found } = await onCitusNode(member, (client) =>
        client.query<{ name: string; value: string }>(
          'SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS name',
          [Object.keys(wanted)],
        ),
      );
      expect(Object.fromEntries(found.map(({ name, value }) => [name, value]))).toEqual(wanted);
    }
  });

  it('switches a worker over while clients work, and no statement through the coordinator fails', async () => {
    await onCoordinator(formation, makeTables);
    const orders = [
      [1, () => ['switchover', '--group', '1']],
      [2, (standby: Member) => ['promotion', '--name', standby.host.name]],
      [1, () => ['failover', '--group', '1']],
    ] as const;
    for (const [round, [group, order]] of orders.entries()) {
      const clients = new CitusClients(coordinatorUri(formation), (round + 1) * 1_000_000);
      clients.start();
      await formation.wait('the clients to work', async () => clients.answers > 100);
      const standby = await standbyOfGroup(formation, group);
      const done = await formation.onMonitor(['perform', ...order(standby)]);
      expect(done.status, `${done.stderr}\n${await formation.describe()}`).toBe(0);
      await sendsTo(standby);
      const since = clients.answers;
      await formation.wait('the clients to go on', async () => clients.answers > since + 100);
      const met = await clients.stop();
      expect(met.failures, `round ${round}, ${await formation.describe()}`).toEqual([]);
      console.log(`switchover of group ${group}: longest stall ${met.stall} ms`);
      expect(await onCoordinator(formation, (client) => lostRows(client, met))).toEqual([]);
      await formation.waitUntilStable();
      expect((await primaryOfGroup(formation, group)).host.name).toBe(standby.host.name);
    }
    expect(await rows()).toBe(ROWS);
    // It was in front of the node that group 2 has left.
    await poolsAre();
  });

  it('has statements on other nodes find the new primary of a switchover soon', async () => {
    const met = await whileAsked(1, async () => {
      const done = await formation.onMonitor(['perform', 'promotion', '--group', '1']);
      expect(done.status, done.stderr).toBe(0);
    });
    expect(met.coordinator.failures).toEqual([]);
    expect(met.worker.stall).toBeLessThan(met.coordinator.stall + ELSEWHERE_WITHIN);
    expect(met.standby.stall).toBeLessThan(met.coordinator.stall + ELSEWHERE_WITHIN);
    await formation.waitUntilStable();
  });

  it('gives a switchover up that a transaction would not let through, and names it', async () => {
    const [before] = [await primaryOfGroup(formation, 1)];
    await onCoordinator(formation, async (client) => {
      await client.query('BEGIN');
      await client.query('SELECT count(*) FROM companies');
      const [own] = (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows;
      const refused = await formation.onMonitor(['perform', 'failover', '--group', '1']);
      expect(refused.status).not.toBe(0);
      expect(refused.stderr).toContain(`process ${own?.pid} of postgres, idle in transaction`);
      expect(refused.stderr).toContain('stays primary');
      await client.query('SELECT count(*) FROM companies');
      await client.query('COMMIT');
    });
    await formation.waitUntilStable();
    expect((await primaryOfGroup(formation, 1)).host.name).toBe(before.host.name);
    expect(await rows()).toBe(ROWS);
  });

  it('is switched over by force at the cost of that transaction, which is told', async () => {
    const standby = await standbyOfGroup(formation, 1);
    await onCoordinator(formation, async (client) => {
      client.on('error', () => undefined);
      await client.query('BEGIN');
      await client.query('SELECT count(*) FROM companies');
      const [own] = (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows;
      const done = await formation.onMonitor(['perform', 'switchover', '--group', '1', '--force']);
      expect(done.status, done.stderr).toBe(0);
      await expect(client.query('COMMIT')).rejects.toThrow();
      await formation.wait('the event', async () => {
        const [row] = await formation.probe.query(
          `SELECT FROM pgautofailover.event
            WHERE description LIKE 'By force for the switchover of group 1, process ${own?.pid} of postgres, %, was ended'`,
        );
        return row;
      });
    });
    await formation.waitUntilStable();
    expect((await primaryOfGroup(formation, 1)).host.name).toBe(standby.host.name);
    expect(await rows()).toBe(ROWS);
  });

  it('has the shards of a worker back when every process of it is killed, and others never notice', async () => {
    const lost = await primaryOfGroup(formation, 1);
    const standby = await standbyOfGroup(formation, 1);
    const met = await whileAsked(1, async () => {
      await lost.host.killEverything();
      await sendsTo(standby);
      await allAnswer('without the lost worker');
    });
    await comeBack(lost);
    expect(met.otherShards.failures).toEqual([]);
    expect(met.otherShards.stall).toBeLessThan(UNTOUCHED_WITHIN);
    expect(met.worker.stall).toBeLessThan(met.coordinator.stall + ELSEWHERE_WITHIN);
    expect(met.standby.stall).toBeLessThan(met.coordinator.stall + ELSEWHERE_WITHIN);
  });

  it('has the shards of all workers back when they are killed at once', async () => {
    const groups = [1, 2];
    const lost = await Promise.all(groups.map((group) => primaryOfGroup(formation, group)));
    const standbys = await Promise.all(groups.map((group) => standbyOfGroup(formation, group)));
    await Promise.all(lost.map((member) => member.host.killEverything()));
    await sendsTo(...standbys);
    await allAnswer('without the lost workers');
    await poolsAre(ownPool());
    await comeBack(...lost);
  });

  it('has the new coordinator know the workers when the old one is killed with all of them', async () => {
    const groups = [0, 1, 2];
    const lost = await Promise.all(groups.map((group) => primaryOfGroup(formation, group)));
    const standbys = await Promise.all(groups.map((group) => standbyOfGroup(formation, group)));
    await Promise.all(lost.map((member) => member.host.killEverything()));
    await sendsTo(...standbys);
    await allAnswer('without the lost nodes');
    await comeBack(...lost);
  });

  it('repairs pg_dist_node after a change by hand, and reports it', async () => {
    const worker = await primaryOfGroup(formation, 2);
    await onCoordinator(formation, (client) =>
      client.query(`SELECT citus_update_node(nodeid, 'nowhere', 1) FROM pg_dist_node WHERE groupid = 2`),
    );
    await sendsTo(worker);
    await formation.wait('the event', async () => {
      const [row] = await formation.probe.query(
        `SELECT FROM pgautofailover.event
          WHERE description = 'Group 2 is at ${placeOf(worker)} in pg_dist_node now, and was at nowhere:1'`,
      );
      return row;
    });
    expect(await rows()).toBe(ROWS);
  });

  it('has read replicas of a cluster of their own, which read from each other', async () => {
    const asReader = ['--citus-secondary', '--citus-cluster', 'readers'];
    // Citus takes no DDL before every worker's copy of pg_dist_node has followed what was changed last.
    await formation.wait('the copies of pg_dist_node', async () => {
      const { rows: behind } = await onCoordinator(formation, (client) =>
        client.query('SELECT nodeid FROM pg_dist_node WHERE isactive AND hasmetadata AND NOT metadatasynced'),
      );
      return behind.length === 0;
    });
    const group = await onCoordinator(formation, async (client) => {
      await client.query('SET citus.shard_count = 1');
      await client.query('CREATE TABLE readings (id int PRIMARY KEY)');
      await client.query(`SELECT create_distributed_table('readings', 'id', colocate_with => 'none')`);
      await client.query('INSERT INTO readings SELECT generate_series(1, 10)');
      const { rows: found } = await client.query<{ group: number }>(
        `SELECT groupid AS "group" FROM pg_dist_placement JOIN pg_dist_shard USING (shardid)
          WHERE logicalrelid = 'readings'::regclass`,
      );
      return found[0]?.group;
    });
    await Promise.all([
      formation.startNode(7, 'coordinator', asReader),
      formation.startNode(8, 'worker', ['--group', String(group), ...asReader]),
    ]);
    await formation.waitUntilStable();
    // The order of registration is not that of the numbers.
    const [coordinator, worker] = [formation.node(7), formation.node(8)];
    await formation.wait('their rows in pg_dist_node', async () => {
      const { rows: found } = await onCoordinator(formation, (client) =>
        client.query(
          `SELECT FROM pg_dist_node
            WHERE nodecluster = 'readers' AND noderole = 'secondary' AND isactive AND nodeport IN ($1, $2)`,
          [coordinator.port, worker.port],
        ),
      );
      return found.length === 2;
    });
    const { stdout } = await formation.onMonitor(['show', 'uri']);
    const uri = /read-replica \| +readers \| (postgres:\S+)/.exec(stdout)?.[1] ?? '';
    expect(uri).toContain(`postgres://${placeOf(coordinator)}/citus`);
    await onUri(uri.replace('://', '://postgres@'), async (client) => {
      const settings = await client.query(
        `SELECT current_setting('citus.use_secondary_nodes') AS use, current_setting('citus.cluster_name') AS cluster`,
      );
      expect(settings.rows).toEqual([{ use: 'always', cluster: 'readers' }]);
      const read = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM readings');
      expect(read.rows).toEqual([{ count: 10 }]);
      const plan = await client.query('EXPLAIN SELECT count(*) FROM readings');
      expect(JSON.stringify(plan.rows)).toContain(`port=${worker.port}`);
    });
  });
});
