import { execFileSync, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { findUser } from '../system-users.js';
import { errorsOf, Sandbox, waitFor } from '../testing/run-pgaf.js';

const sandbox = new Sandbox();
const env: Record<string, string> = {};
const mounts: string[] = [];
const OPEN = ['--auth', 'trust', '--no-ssl', '--hostname', '127.0.0.1'];
const owner = findUser('postgres');

/** Only root may mount, and not in every container. */
function canMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    mount('probe', '1M');
    return true;
  } catch {
    return false;
  }
}

function mount(name: string, size: string): string {
  const path = sandbox.folder(name);
  const options = `size=${size},mode=0700,uid=${owner?.uid},gid=${owner?.gid}`;
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'pipe' });
  mounts.push(path);
  return path;
}

/** What has just ended may still hold it for a moment. */
function isUnmounted(path: string): boolean {
  try {
    execFileSync('umount', [path], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

const isMountPoint = (path: string): boolean => statSync(path).dev !== statSync(`${path}/..`).dev;
const places = canMount();

function create(member: string, ...more: readonly string[]): string[] {
  return ['create', 'postgres', '--pgdata', sandbox.path(member), '--name', member, ...OPEN, ...more];
}

function sql(port: number, statement: string): string {
  const place = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-d', 'postgres'];
  return execFileSync('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', ...place, '-c', statement], {
    encoding: 'utf8',
  }).trim();
}

const states = async (): Promise<string> => (await sandbox.run(['show', 'state'], env)).stdout;

async function awaitState(member: string, state: string): Promise<void> {
  const line = new RegExp(`\\b${member} \\|.* ${state} \\|\\s+${state}`);
  let table = '';
  const reached = async (): Promise<boolean> => line.test((table = await states()));
  await waitFor(`${member} to be ${state}`, reached, 60_000, () => table);
}

async function stop(service: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => service.once('exit', resolve));
  service.kill('SIGQUIT');
  await ended;
}

beforeAll(async () => {
  const port = String(await freePort());
  env['PG_AUTOCTL_MONITOR'] = `postgres://autoctl_node@127.0.0.1:${port}/pg_auto_failover?sslmode=prefer`;
  const monitor = ['create', 'monitor', '--pgdata', sandbox.path('monitor'), '--pgport', port, ...OPEN];
  sandbox.start([...monitor, '--run']);
  await waitFor('the monitor', async () => (await sandbox.run(['show', 'state'], env)).status === 0);
}, 90_000);

afterAll(async () => {
  await sandbox.stop();
  for (const path of mounts) await waitFor(`the end of what uses ${path}`, async () => isUnmounted(path));
  await sandbox.dispose();
}, 90_000);

describe('a directory for the WAL', () => {
  it.each([
    { what: 'relative', waldir: () => 'wal', says: /must be an absolute path/ },
    { what: 'inside the data directory', waldir: () => sandbox.path('new/wal'), says: /inside one another/ },
    { what: 'not empty', waldir: () => sandbox.path('config'), says: /is not empty/ },
  ])('that is $what is refused', async ({ waldir, says }) => {
    const refused = await sandbox.run(
      create('new', '--waldir', waldir(), '--pgport', String(await freePort())),
      env,
    );
    expect(refused.status, refused.stderr).toBe(1);
    expect(errorsOf(refused.stderr)[0]).toMatchObject({
      msg: expect.stringMatching(says) as string,
      hint: expect.stringContaining('absolute path') as string,
    });
    expect(existsSync(sandbox.path('new'))).toBe(false);
  });
});

describe.runIf(places)('mount points, WAL and tablespaces elsewhere', () => {
  const ports: Record<string, number> = {};
  const services: Record<string, ChildProcess> = {};

  async function start(member: string, ...more: readonly string[]): Promise<void> {
    ports[member] ??= await freePort();
    services[member] = sandbox.start(
      [...create(member, '--pgport', String(ports[member]), ...more), '--run'],
      env,
    );
  }

  it('hold a primary', async () => {
    mount('one', '200M');
    mount('one-wal', '200M');
    await start('one', '--waldir', sandbox.path('one-wal'));
    await awaitState('one', 'single');
    expect(readlinkSync(`${sandbox.path('one')}/pg_wal`)).toBe(sandbox.path('one-wal'));
    expect(isMountPoint(sandbox.path('one'))).toBe(true);
    sandbox.folder('one-space');
    const port = ports['one'] ?? 0;
    sql(port, `CREATE TABLESPACE space LOCATION '${sandbox.path('one-space')}'`);
    sql(port, 'CREATE TABLE t TABLESPACE space AS SELECT n FROM generate_series(1, 1000) AS n');
  }, 90_000);

  it('are not taken from a primary on the same host', async () => {
    mount('two', '400M');
    mount('two-wal', '200M');
    ports['two'] = await freePort();
    const shared = await sandbox.run(
      create('two', '--pgport', String(ports['two']), '--waldir', sandbox.path('two-wal')),
      env,
    );
    expect(shared.status, shared.stderr).toBe(3);
    expect(errorsOf(shared.stderr).at(-1)).toMatchObject({
      msg: expect.stringMatching(/runs on this host and has a tablespace in .*one-space/) as string,
      hint: expect.stringContaining('tablespace_mapping') as string,
    });
    expect(sql(ports['one'] ?? 0, 'SELECT count(*) FROM t')).toBe('1000');
  }, 90_000);

  it('hold a standby, once its tablespace has a place of its own', async () => {
    const file = `${sandbox.path('config')}/pg_autoctl${sandbox.path('two')}/pg_autoctl.cfg`;
    const mapping = `tablespace_mapping = ${sandbox.path('one-space')}=${sandbox.path('two-space')}`;
    const text = (
      await sandbox.run(['show', 'file', '--pgdata', sandbox.path('two'), '--config', '--contents'])
    ).stdout;
    writeFileSync(file, text.replace('[replication]', `[replication]\n${mapping}`));
    await start('two');
    await awaitState('two', 'secondary');
    const pgdata = sandbox.path('two');
    expect(isMountPoint(pgdata)).toBe(true);
    expect(readlinkSync(`${pgdata}/pg_wal`)).toBe(sandbox.path('two-wal'));
    const [space = ''] = readdirSync(`${pgdata}/pg_tblspc`);
    expect(readlinkSync(`${pgdata}/pg_tblspc/${space}`)).toBe(sandbox.path('two-space'));
    expect(sql(ports['two'] ?? 0, 'SELECT count(*) FROM t')).toBe('1000');
  }, 90_000);

  it('are rewound', async () => {
    const pgdata = sandbox.path('one');
    await awaitState('one', 'primary');
    const { ino } = statSync(`${pgdata}/PG_VERSION`);
    sql(ports['one'] ?? 0, 'INSERT INTO t VALUES (-1)');
    services['one']?.kill('SIGKILL');
    process.kill(Number(readFileSync(`${pgdata}/postmaster.pid`, 'utf8').split('\n')[0]), 'SIGKILL');
    await awaitState('two', 'wait_primary');
    sql(ports['two'] ?? 0, 'INSERT INTO t VALUES (-2)');
    services['one'] = sandbox.start(['run', '--pgdata', pgdata]);
    let log = '';
    services['one'].stderr?.on('data', (text: Buffer) => (log += text.toString()));
    await awaitState('one', 'secondary');
    expect(log).toMatch(/Rewound to node \d+/);
    expect(statSync(`${pgdata}/PG_VERSION`).ino).toBe(ino);
    expect(isMountPoint(pgdata)).toBe(true);
    expect(readlinkSync(`${pgdata}/pg_wal`)).toBe(sandbox.path('one-wal'));
    const [space = ''] = readdirSync(`${pgdata}/pg_tblspc`);
    expect(readlinkSync(`${pgdata}/pg_tblspc/${space}`)).toBe(sandbox.path('one-space'));
    await waitFor('the row', async () => sql(ports['one'] ?? 0, 'SELECT count(*) FROM t') === '1002');
    const back = await sandbox.run(['perform', 'switchover'], env);
    expect(back.status, back.stderr).toBe(0);
    await awaitState('one', 'primary');
    sql(ports['one'] ?? 0, 'DELETE FROM t WHERE n < 0');
  }, 120_000);

  it('are filled anew when the data there are no good any more', async () => {
    const pgdata = sandbox.path('two');
    if (services['two']) await stop(services['two']);
    const { ino } = statSync(`${pgdata}/PG_VERSION`);
    // What a rewind that was cut off leaves.
    sandbox.file(`data/pg_autoctl${pgdata}/pg_autoctl.state.rewind`, '');
    services['two'] = sandbox.start(['run', '--pgdata', pgdata]);
    await waitFor(
      'a copy',
      () => existsSync(`${pgdata}/PG_VERSION`) && statSync(`${pgdata}/PG_VERSION`).ino !== ino,
    );
    await awaitState('two', 'secondary');
    expect(isMountPoint(pgdata)).toBe(true);
    expect(readlinkSync(`${pgdata}/pg_wal`)).toBe(sandbox.path('two-wal'));
    sql(ports['one'] ?? 0, 'INSERT INTO t VALUES (0)');
    await waitFor('the row', () => sql(ports['two'] ?? 0, 'SELECT count(*) FROM t') === '1001');
    for (const place of ['two', 'two-wal', 'two-space'])
      expect(readdirSync(sandbox.path(place))).not.toContain('.pgaf-unfinished');
  }, 90_000);

  it('are emptied by drop node --destroy, of what is its own', async () => {
    sandbox.file('two-space/letter.txt', 'dear reader');
    const dropped = await sandbox.run(['drop', 'node', '--pgdata', sandbox.path('two'), '--destroy'], env);
    expect(dropped.status, dropped.stderr).toBe(0);
    expect(dropped.stderr).toMatch(/two stays: it is a mount point/);
    for (const place of ['two', 'two-wal']) expect(readdirSync(sandbox.path(place))).toEqual([]);
    expect(readdirSync(sandbox.path('two-space'))).toEqual(['letter.txt']);
    expect(sql(ports['one'] ?? 0, 'SELECT count(*) FROM t')).toBe('1001');
  }, 90_000);

  it('are refused where pg_wal itself is a mount point', async () => {
    sandbox.folder('nested');
    mount('nested/pg_wal', '50M');
    const refused = await sandbox.run(create('nested', '--pgport', String(await freePort())), env);
    expect(refused.status, refused.stderr).toBe(3);
    expect(errorsOf(refused.stderr)[0]).toMatchObject({
      msg: expect.stringMatching(/nested\/pg_wal is a mount point/) as string,
      hint: expect.stringContaining('--waldir') as string,
    });
    expect(readdirSync(sandbox.path('nested'))).toEqual(['pg_wal']);
  }, 60_000);

  it('without room are told with both sizes, and filled once there is', async () => {
    sql(ports['one'] ?? 0, 'DROP TABLE t');
    sql(ports['one'] ?? 0, 'DROP TABLESPACE space');
    const pgdata = mount('small', '10M');
    const port = String(await freePort());
    const tight = await sandbox.run(create('small', '--pgport', port), env);
    expect(tight.status, tight.stderr).toBe(3);
    expect(errorsOf(tight.stderr).at(-1)).toMatchObject({
      msg: expect.stringMatching(
        /There is no room for a copy of node \d+ "one": it takes \d+(\.\d)? MB on the file system of .*small, and (10\.0|9\.\d) MB are free/,
      ) as string,
      hint: expect.stringContaining('Make room') as string,
    });
    const service = sandbox.start(['run', '--pgdata', pgdata]);
    await waitFor('the reason to be shown', async () => /There is no room/.test(await states()));
    execFileSync('mount', ['-o', 'remount,size=400M', pgdata]);
    await awaitState('small', 'secondary');
    await stop(service);
  }, 120_000);
});
