import type { ChildProcess } from 'node:child_process';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { freePort } from '@pgaf/core/testing/free-ports';
import { BarePostgres } from '../testing/bare-postgres.js';
import { errorsOf, Sandbox, waitFor, type Ended } from '../testing/run-pgaf.js';

const sandbox = new Sandbox();
const env: Record<string, string> = {};
const servers: BarePostgres[] = [];
const READY = ['wal_log_hints = on', "listen_addresses = '127.0.0.1'"];
const OPEN = ['--auth', 'trust', '--no-ssl', '--hostname', '127.0.0.1'];

const services: ChildProcess[] = [];
let formations = 0;
/** Of a member of this test's formation. */
const folder = (name: string): string => `${name}-${formations}`;

function serve(args: readonly string[]): void {
  services.push(sandbox.start(args, env));
}

async function newFormation(): Promise<string> {
  const name = `f${++formations}`;
  const uri = parseConnInfo(env['PG_AUTOCTL_MONITOR'] ?? '');
  const client = await connect(uri, { connectTimeoutMs: 5000, what: 'the monitor', exit: 6 });
  await client.query(`SELECT pgautofailover.create_formation($1, 'pgsql', 'postgres', true, 0)`, [name]);
  await client.end();
  return name;
}

async function newServer(name: string, settings: readonly string[] = READY): Promise<BarePostgres> {
  const place = {
    pgdata: sandbox.path(folder(name)),
    socketDirectory: sandbox.folder('sockets'),
    port: await freePort(),
  };
  const one = await BarePostgres.make(place, settings);
  servers.push(one);
  return one;
}

async function standbyOf(primary: BarePostgres, name: string): Promise<BarePostgres> {
  const one = primary.standby({ pgdata: sandbox.path(folder(name)), port: await freePort() });
  servers.push(one);
  return one;
}

/** What a create would have written; Postgres itself writes while it runs. */
const ofPgaf = (): string[] => sandbox.tree().filter((name) => /conf|signal|pg_autoctl|pgaf/.test(name));

function create(one: BarePostgres, formation: string, ...more: readonly string[]): Promise<Ended> {
  return sandbox.run(
    [
      'create',
      'postgres',
      '--pgdata',
      one.pgdata,
      '--formation',
      formation,
      '--pghost',
      one.socketDirectory,
      ...OPEN,
      ...more,
    ],
    env,
  );
}

const onItsPort = (one: BarePostgres): string[] => ['--pgport', String(one.port)];

async function states(formation: string): Promise<string> {
  return (await sandbox.run(['show', 'state', '--formation', formation], env)).stdout;
}

async function stable(formation: string): Promise<void> {
  let table = '';
  await waitFor(`a primary and a secondary in ${table}`, async () => {
    table = await states(formation);
    return / primary \|\s+primary/.test(table) && / secondary \|\s+secondary/.test(table);
  });
}

beforeAll(async () => {
  const port = String(await freePort());
  env['PG_AUTOCTL_MONITOR'] = `postgres://autoctl_node@127.0.0.1:${port}/pg_auto_failover?sslmode=prefer`;
  sandbox.start([
    'create',
    'monitor',
    '--pgdata',
    sandbox.path('monitor'),
    '--pgport',
    port,
    ...OPEN,
    '--run',
  ]);
  await waitFor('the monitor', async () => (await sandbox.run(['show', 'state'], env)).status === 0);
}, 60_000);

afterEach(async () => {
  for (const child of services.splice(0)) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.kill('SIGQUIT')) await ended;
  }
  for (const one of servers.splice(0)) one.stop('immediate');
}, 60_000);

afterAll(() => sandbox.dispose(), 60_000);

describe('a primary that runs', () => {
  it('becomes a node without a restart, and goes on', async () => {
    const formation = await newFormation();
    const one = await newServer('one', [...READY, 'work_mem = 7MB']);
    one.start();
    one.sql('CREATE TABLE kept AS SELECT 42 AS n');
    const started = one.sql('SELECT pg_postmaster_start_time()');
    const settings = readFileSync(`${one.pgdata}/postgresql.conf`, 'utf8');

    const created = await create(one, formation);
    expect(created.status, created.stderr).toBe(0);
    expect(await states(formation)).toMatch(
      new RegExp(` 127\\.0\\.0\\.1:${one.port} .* single \\|\\s+single`),
    );
    expect(one.sql('SELECT pg_postmaster_start_time()')).toBe(started);
    expect(one.sql('SHOW work_mem')).toBe('7MB');
    expect(readFileSync(`${one.pgdata}/postgresql.conf`, 'utf8')).toMatch(settings);

    // Its slot and its synchronous standby come before a commit is said to be safe.
    serve(['run', '--pgdata', one.pgdata]);
    const port = String(await freePort());
    serve([
      'create',
      'postgres',
      '--pgdata',
      sandbox.path(folder('second')),
      '--formation',
      formation,
      '--pgport',
      port,
      ...OPEN,
      '--run',
    ]);
    await stable(formation);
    expect(one.sql('SELECT pg_postmaster_start_time()')).toBe(started);
    expect(one.sql('SHOW synchronous_standby_names')).toMatch(/ANY 1/);
    expect(one.sql('SELECT n FROM kept')).toBe('42');
  }, 90_000);

  it.each([
    {
      what: 'lacks what only a restart gives',
      settings: ["listen_addresses = '127.0.0.1'"],
      says: /wal_log_hints is off and must be on/,
    },
    {
      what: 'cannot be reached',
      settings: ['wal_log_hints = on', "listen_addresses = ''"],
      says: /does not answer at 127\.0\.0\.1/,
    },
  ])(
    'that $what is left as it is',
    async ({ settings, says }) => {
      const formation = await newFormation();
      const one = await newServer('one', settings);
      one.start();
      const before = ofPgaf();
      const refused = await create(one, formation);
      expect(refused.status, refused.stderr).toBe(3);
      expect(errorsOf(refused.stderr)[0]).toMatchObject({
        msg: expect.stringMatching(says) as string,
        hint: expect.stringContaining('Stop it, then run the same command again') as string,
      });
      expect(ofPgaf()).toEqual(before);
      one.stop();
      const created = await create(one, formation, ...onItsPort(one));
      expect(created.status, created.stderr).toBe(0);
    },
    60_000,
  );

  it('keeps its port, and refuses another', async () => {
    const formation = await newFormation();
    const one = await newServer('one');
    one.start();
    const refused = await create(one, formation, '--pgport', String(await freePort()));
    expect(refused.status).toBe(1);
    expect(errorsOf(refused.stderr)[0]?.msg).toMatch(`runs on port ${one.port}`);
  }, 60_000);

  it('is refused where there is a primary already, and by another system identifier', async () => {
    const formation = await newFormation();
    const one = await newServer('one');
    expect((await create(one, formation, ...onItsPort(one))).status).toBe(0);
    serve(['run', '--pgdata', one.pgdata]);
    const other = await newServer('other');
    other.start();
    const running = await create(other, formation);
    expect(running.status, running.stderr).toBe(6);
    expect(errorsOf(running.stderr)[0]?.msg).toMatch(/is of another system than group 0/);
    other.stop();
    const stopped = await create(other, formation, ...onItsPort(other));
    expect(stopped.status, stopped.stderr).toBe(6);
    expect(errorsOf(stopped.stderr)[0]?.msg).toMatch(/is of another system than group 0/);
    expect(statSync(`${other.pgdata}/global/pg_control`).isFile()).toBe(true);
  }, 60_000);
});

describe('a standby', () => {
  it('that was stopped follows the primary of its group with the data that it has', async () => {
    const formation = await newFormation();
    const one = await newServer('one');
    one.start();
    const two = await standbyOf(one, 'two');
    two.start();
    one.sql('CREATE TABLE kept AS SELECT 42 AS n');

    const early = await create(two, formation);
    expect(errorsOf(early.stderr)[0]?.msg).toMatch(/A standby runs in/);
    two.stop();
    const first = await create(two, formation, ...onItsPort(two));
    expect(errorsOf(first.stderr)[0]?.msg).toMatch(/a standby cannot be its first node/);

    expect((await create(one, formation)).status).toBe(0);
    serve(['run', '--pgdata', one.pgdata]);
    const { ino } = statSync(`${two.pgdata}/PG_VERSION`);
    const created = await create(two, formation, ...onItsPort(two));
    expect(created.status, created.stderr).toBe(0);
    serve(['run', '--pgdata', two.pgdata]);
    await stable(formation);
    expect(statSync(`${two.pgdata}/PG_VERSION`).ino).toBe(ino);
    expect(two.sql('SELECT n FROM kept')).toBe('42');
    expect(two.sql('SHOW primary_slot_name')).toMatch(/^pgautofailover_standby_\d+$/);
    expect(one.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'")).toBe('1');
  }, 90_000);

  it('that has what the primary never had is refused, and loses nothing', async () => {
    const formation = await newFormation();
    const one = await newServer('one');
    one.start();
    const two = await standbyOf(one, 'two');
    two.start();
    two.sql('SELECT pg_promote()');
    two.sql('CREATE TABLE own AS SELECT 1 AS n');
    two.stop();
    expect((await create(one, formation)).status).toBe(0);
    serve(['run', '--pgdata', one.pgdata]);
    const refused = await create(two, formation, ...onItsPort(two));
    expect(refused.status, refused.stderr).toBe(3);
    expect(errorsOf(refused.stderr).at(-1)?.msg).toMatch(/on timeline 2, which node \d+ .* never had/);
    expect(errorsOf(refused.stderr).at(-1)?.hint).toMatch(/empty the data directory/);
    two.start();
    expect(two.sql('SELECT n FROM own')).toBe('1');
  }, 90_000);
});

describe('a standby that crashed', () => {
  it.each([
    { what: 'has no more than the primary', lost: false },
    { what: 'received what the primary never had', lost: true },
  ])(
    'is taken as far as it is safe: one that $what',
    async ({ lost }) => {
      const formation = await newFormation();
      const old = await newServer('old');
      old.start();
      const [one, two] = [await standbyOf(old, 'one'), await standbyOf(old, 'two')];
      for (const standby of [one, two]) standby.start();
      old.sql('CREATE TABLE kept AS SELECT 42 AS n');
      const streams = async (): Promise<boolean> =>
        old.sql('SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()') === '2';
      await waitFor('both standbys to have all', streams);
      one.stop();
      if (lost) {
        old.sql('INSERT INTO kept VALUES (43)');
        await waitFor('the row', async () => two.sql('SELECT count(*) FROM kept') === '2');
      }
      two.stop('immediate');
      old.stop('immediate');
      one.start();
      one.sql('SELECT pg_promote()');
      expect((await create(one, formation)).status).toBe(0);
      serve(['run', '--pgdata', one.pgdata]);
      const created = await create(two, formation, ...onItsPort(two));
      if (lost) {
        expect(created.status, created.stderr).toBe(3);
        expect(errorsOf(created.stderr).at(-1)?.msg).toMatch(/on timeline 1, which node \d+ .* never had/);
        return;
      }
      expect(created.status, created.stderr).toBe(0);
      serve(['run', '--pgdata', two.pgdata]);
      await stable(formation);
      expect(two.sql('SELECT n FROM kept')).toBe('42');
    },
    120_000,
  );
});

describe('a data directory', () => {
  it('whose configuration is kept elsewhere is refused with what to move', async () => {
    const formation = await newFormation();
    const one = await newServer('one');
    rmSync(`${one.pgdata}/pg_hba.conf`);
    const refused = await create(one, formation, ...onItsPort(one));
    expect(refused.status).toBe(3);
    expect(errorsOf(refused.stderr)[0]).toMatchObject({
      msg: expect.stringContaining('has no pg_hba.conf') as string,
      hint: expect.stringContaining('Move') as string,
    });
  }, 30_000);

  it('of a monitor is refused for a node, and one of a node for a monitor', async () => {
    const formation = await newFormation();
    const one = await newServer('one');
    const asMonitor = await sandbox.run([
      'create',
      'monitor',
      '--pgdata',
      one.pgdata,
      ...onItsPort(one),
      ...OPEN,
    ]);
    expect(asMonitor.status).toBe(3);
    expect(errorsOf(asMonitor.stderr)[0]?.msg).toMatch(/a Postgres that is no monitor/);
    one.configure([]);
    sandbox.file(
      `${folder('one')}/postgresql-auto-failover.conf`,
      "cluster_name = 'pg_auto_failover monitor'\n",
    );
    const asNode = await create(one, formation, ...onItsPort(one));
    expect(asNode.status).toBe(3);
    expect(errorsOf(asNode.stderr)[0]?.msg).toMatch(/data directory of a monitor/);
  }, 30_000);

  it('of another major version, or open to others, is refused', async () => {
    const formation = await newFormation();
    const one = await newServer('one');
    sandbox.file(`${folder('one')}/PG_VERSION`, '11\n');
    const old = await create(one, formation, ...onItsPort(one));
    expect(old.status).toBe(3);
    expect(errorsOf(old.stderr)[0]).toMatchObject({
      msg: expect.stringMatching(/is of PostgreSQL 11, and the programs in .* are of PostgreSQL/) as string,
      hint: expect.stringContaining('--pgctl') as string,
    });
  }, 30_000);
});
