import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { connect, destroy } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { expect, test } from 'vitest';
import { Secret } from '@pgaf/logging/secret';
import type { NodeConfig } from './node-config.js';
import {
  atRest,
  killNode,
  killPostmaster,
  runAlone,
  twoNodes,
  until,
  type TestNode,
} from './testing/test-nodes.js';

/** As a client from elsewhere finds it. */
async function admitsClients({ config }: TestNode): Promise<boolean> {
  const uri = `postgres://app@${config.host}:${config.port}/app`;
  try {
    destroy(await connect(parseConnInfo(uri), { connectTimeoutMs: 2000 }));
    return true;
  } catch {
    return false;
  }
}

async function rows(node: TestNode): Promise<number> {
  const [row] = await node.sql.query<{ n: number }>('SELECT count(*)::int AS n FROM t');
  return row?.n ?? -1;
}

test('two nodes come up, hand over as planned, and hand back', async () => {
  const { monitor, first, second } = await twoNodes();
  await first.sql.query('CREATE TABLE t AS SELECT generate_series(1, 75) AS i');

  monitor.command({ kind: 'perform_failover' });
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  expect(await rows(second)).toBe(75);
  await second.sql.query('INSERT INTO t VALUES (76)');
  await until('the row is here', monitor, async () => (await rows(first)) === 76);

  monitor.command({ kind: 'perform_failover' });
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  expect(await rows(first)).toBe(76);
  expect(monitor.group.lineage.map((promotion) => promotion.tli)).toEqual([1, 2, 3]);
});

test('a postmaster that is killed is started again at once, without a failover', async () => {
  const { monitor, first } = await twoNodes();
  await killPostmaster(first);
  await until(
    'Postgres is back',
    monitor,
    async () => (await first.sql.query('SELECT 1').catch(() => [])).length === 1,
  );
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  expect(monitor.group.epoch).toBe(1);
});

test('a node that is killed is failed over, and comes back by itself with what it wrote alone taken back', async () => {
  const { monitor, first, second } = await twoNodes();
  await first.sql.query('CREATE TABLE t AS SELECT generate_series(1, 75) AS i');
  await killNode(first);
  await atRest(monitor, { 2: 'wait_primary' });
  expect(await rows(second)).toBeGreaterThanOrEqual(75);
  await second.sql.query('INSERT INTO t VALUES (101)');
  // What nobody acknowledged: somebody starts the old primary by hand, and it goes its own way.
  await runAlone(first, (sql) =>
    sql.query(
      'BEGIN; SET LOCAL synchronous_commit = local; INSERT INTO t SELECT generate_series(1, 25); COMMIT',
    ),
  );

  first.run();
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  await until(
    'both have the same rows',
    monitor,
    async () => (await rows(first)) === 76 && (await rows(second)) === 76,
  );
  expect(first.lines.some((line) => line.includes('Rewound to node 2'))).toBe(true);
});

test('a primary that lost its data directory is failed over, and is copied anew', async () => {
  const { monitor, first, second } = await twoNodes();
  await first.sql.query('CREATE TABLE t AS SELECT generate_series(1, 75) AS i');
  rmSync(join(first.config.pgdata, 'global', 'pg_control'));
  await killPostmaster(first);
  await until('node 2 takes writes', monitor, () => monitor.node(2).reported === 'wait_primary');
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  expect(await rows(second)).toBe(75);
  expect(await rows(first)).toBe(75);
});

test('a standby that goes holds up no commit, and comes back', async () => {
  const { monitor, first, second } = await twoNodes();
  await first.sql.query('CREATE TABLE t AS SELECT 1 AS i');
  const writing = { on: true, count: 0 };
  const writer = (async () => {
    while (writing.on) {
      await first.sql.query('INSERT INTO t VALUES (1)');
      writing.count += 1;
    }
  })();
  expect(await second.end('orderly')).toBe('stopped');
  await atRest(monitor, { 1: 'wait_primary' });
  second.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  await killNode(second);
  await atRest(monitor, { 1: 'wait_primary' });
  writing.on = false;
  await writer;
  second.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  // A standby that acknowledges a commit has flushed it, and replays it in its own time.
  await until('every row is here', monitor, async () => (await rows(second)) === writing.count + 1);
});

test('a node that is dropped stops and ends its keeper; a dropped primary hands over first', async () => {
  const { monitor, first, second } = await twoNodes();
  monitor.command({ kind: 'remove_node', node: 1, force: false });
  expect(await first.ended()).toBe('dropped');
  await atRest(monitor, { 2: 'single' });
  expect(monitor.group.nodes.map((node) => node.id)).toEqual([2]);
  await expect(first.sql.query('SELECT 1')).rejects.toThrow();
  await second.sql.query('CREATE TABLE t AS SELECT 1 AS i');
});

test('a keeper that ends alone leaves Postgres running, and the next one adopts it', async () => {
  const { monitor, first } = await twoNodes();
  const [before] = await first.sql.query<{ at: string }>('SELECT pg_postmaster_start_time()::text AS at');
  expect(await first.end('handOff')).toBe('stopped');
  first.run();
  await until('the keeper reports', monitor, () => monitor.node(1).seen.session === 'open');
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  const [after] = await first.sql.query<{ at: string }>('SELECT pg_postmaster_start_time()::text AS at');
  expect(after).toEqual(before);
  await killPostmaster(first);
  await until(
    'Postgres is back',
    monitor,
    async () => (await first.sql.query('SELECT 1').catch(() => [])).length === 1,
  );
});

test('without the monitor a primary goes on, and opens from a cold start when its standby has confirmed it', async () => {
  const { monitor, first, second } = await twoNodes();
  const admits = () => admitsClients(first);
  monitor.unreachable.add(1).add(2);
  await first.sql.query('CREATE TABLE t AS SELECT 1 AS i');
  await second.end('quick');
  await first.end('quick');
  first.run();
  await until('it says for whom it waits', monitor, () =>
    first.lines.some((line) => line.includes('or 1 of its standbys (node 2), to confirm')),
  );
  await until('Postgres runs', monitor, () => first.sql.query('SELECT 1').then(Boolean, () => false));
  expect(await admits()).toBe(false);
  second.run();
  await until('its standby has confirmed it', monitor, admits);
  expect(first.lines.join('')).toContain('its standbys has confirmed');
  monitor.unreachable.clear();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  expect(monitor.group.epoch).toBe(1);
});

test('a primary that waits for its standby is opened by the monitor, too', async () => {
  const { monitor, first, second } = await twoNodes();
  await second.end('quick');
  monitor.unreachable.add(1);
  await first.end('quick');
  first.run();
  await until('Postgres runs', monitor, () => first.sql.query('SELECT 1').then(Boolean, () => false));
  expect(await admitsClients(first)).toBe(false);
  monitor.unreachable.delete(1);
  await until('clients are let in', monitor, () => admitsClients(first));
});

test('a primary that crashes while the monitor is away opens again only when it may', async () => {
  const { monitor, first, second } = await twoNodes();
  const answers = () => admitsClients(first);
  monitor.unreachable.add(1);
  await killPostmaster(first);
  await until('its standby has confirmed it', monitor, answers);
  expect(first.lines.join('')).toContain('its standbys has confirmed');
  monitor.unreachable.delete(1);
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });

  // Nobody can be promoted beside a primary whose commits wait for nobody.
  await killNode(second);
  await atRest(monitor, { 1: 'wait_primary' });
  await until('the setting is confirmed', monitor, () => monitor.group.settingsInForce.length === 1);
  monitor.unreachable.add(1);
  await killPostmaster(first);
  await until('Postgres is back', monitor, answers);
});

test('a keeper whose node was removed from the monitor ends with a hint, and touches nothing', async () => {
  const { monitor, second } = await twoNodes();
  await second.end('handOff');
  monitor.command({ kind: 'remove_node', node: 2, force: true });
  second.run();
  await expect(second.ended()).rejects.toThrow(/knows no node 2/);
  expect(await second.sql.query('SELECT 1')).toHaveLength(1);
});

test('with TLS and scram between the nodes they come up and hand over', async () => {
  const tls = { active: true, sslmode: 'require', selfSigned: true, certFile: null, keyFile: null } as const;
  const secure: Partial<NodeConfig> = {
    auth: 'scram-sha-256',
    tls: { ...tls, caFile: null, crlFile: null, client: null },
    replicationPassword: new Secret("it's a secret"),
  };
  const { monitor, first, second } = await twoNodes(secure);
  await first.sql.query('CREATE TABLE t AS SELECT generate_series(1, 75) AS i');
  const [ssl] = await first.sql.query('SELECT ssl FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)');
  expect(ssl).toEqual({ ssl: true });
  monitor.command({ kind: 'perform_failover' });
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  expect(await rows(second)).toBe(75);
  expect([...first.lines, ...second.lines].join('')).not.toContain('a secret');
});

test("a plugin's hooks run on their node, with SQL in the formation's database", async () => {
  const { monitor, first } = await twoNodes();
  const calls: string[] = [];
  await first.end('handOff');
  first.part = {
    reconcile: async ({ sql, node, formation }) => {
      const [row] = await sql.query<{ db: string }>('SELECT current_database() AS db');
      calls.push(`reconcile ${node.name} ${row?.db} ${formation.groups[0]?.nodes.length}`);
      return { tag: 'done' };
    },
    onDrop: async () => {
      calls.push('onDrop');
      return { tag: 'retry', reason: 'not now' };
    },
  };
  first.run();
  await until('reconcile ran', monitor, () => calls.includes('reconcile node_1 app 2'));
  monitor.command({ kind: 'remove_node', node: 1, force: false });
  expect(await first.ended()).toBe('dropped');
  expect(calls.at(-1)).toBe('onDrop');
});

test('at rest a keeper reports once a second', async () => {
  const { monitor } = await twoNodes();
  const sent = () => [1, 2].map((id) => monitor.reports.get(id) ?? 0);
  await until(
    'each has confirmed what it must',
    monitor,
    () => monitor.node(1).report.facts.confirmedSetting !== undefined,
  );
  const first = sent();
  await until('each has reported since', monitor, () =>
    sent().every((count, at) => count > (first[at] ?? 0)),
  );
  const [before, begun] = [sent(), performance.now()];
  await until('each has reported three times', monitor, () =>
    sent().every((count, at) => count >= (before[at] ?? 0) + 3),
  );
  const most = Math.max(...sent().map((count, at) => count - (before[at] ?? 0)));
  expect(most / ((performance.now() - begun) / 1000)).toBeLessThan(2);
});
