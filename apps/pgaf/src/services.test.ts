import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { readPidFile } from './pid-file.js';
import { findUser } from './system-users.js';
import { BIN, errorsOf, Sandbox, waitFor } from './testing/run-pgaf.js';

const sandbox = new Sandbox();
const pgdata = sandbox.path('monitor');
const pidFile = `${sandbox.path('run')}/pg_autoctl${pgdata}/pg_autoctl.pid`;
const here = ['--pgdata', pgdata];
let uri = '';

const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
const postmaster = (): number => Number(readFileSync(`${pgdata}/postmaster.pid`, 'utf8').split('\n')[0]);
const userOf = (path: string): string | undefined => findUser(statSync(path).uid)?.name;
const answers = async (): Promise<boolean> => (await sandbox.run(['show', 'state', ...here])).status === 0;
/** What a service writes to its log, and its exit status once all of that has come. */
const logged = (service: ChildProcess): { log: () => string; closed: Promise<number | null> } => {
  let text = '';
  service.stderr?.setEncoding('utf8').on('data', (more: string) => (text += more));
  return { log: () => text, closed: new Promise((resolve) => service.once('close', resolve)) };
};
const status = async (): Promise<number | null> => (await sandbox.run(['status', ...here])).status;

beforeAll(async () => {
  const port = String(await freePort());
  uri = `postgres://autoctl_node@127.0.0.1:${port}/pg_auto_failover?sslmode=require`;
  const place = ['--pgport', port, '--hostname', '127.0.0.1'];
  const created = await sandbox.run([
    'create',
    'monitor',
    ...here,
    ...place,
    '--auth',
    'trust',
    '--ssl-self-signed',
  ]);
  expect(created.status, created.stderr).toBe(0);
}, 60_000);

afterAll(() => sandbox.dispose());

describe('the service of a monitor', () => {
  it('is neither running nor in the way after create', async () => {
    expect(await status()).toBe(3);
    expect(existsSync(pidFile)).toBe(false);
  });

  it('has nothing to reload then, which is said, and that is well', async () => {
    const reload = await sandbox.run(['reload', ...here]);
    expect(reload).toMatchObject({
      status: 0,
      stdout: '',
      stderr: expect.stringContaining('when it starts'),
    });
  });

  it('says where nodes find it, for it is configured', async () => {
    const printed = await sandbox.run(['show', 'uri', ...here, '--formation', 'monitor']);
    expect(printed).toMatchObject({ status: 0, stdout: `${uri}\n` });
    const all = await sandbox.run(['show', 'uri', ...here]);
    expect(all).toMatchObject({ status: 6, stdout: '' });
  });

  it('can be created again, for what is there already', async () => {
    const again = await sandbox.run(['create', 'monitor', ...here, '--formation', 'app', '-f', 'shop']);
    expect(again.status, again.stderr).toBe(0);
    const more = await sandbox.run([
      'create',
      'monitor',
      ...here,
      '-f',
      'shop',
      '-f',
      'stock',
      '-f',
      'default',
    ]);
    expect(more.status, more.stderr).toBe(0);
  });

  it('runs, and says so', async () => {
    sandbox.start(['run', ...here]);
    await waitFor('the monitor', answers);
    expect(await status()).toBe(0);
    const json = JSON.parse((await sandbox.run(['status', ...here, '--json'])).stdout);
    expect(json).toMatchObject({
      postgres: {
        pgdata,
        pid: postmaster(),
        proxyport: 0,
        postmaster: { status: 'ready' },
        control: {
          version: expect.any(Number),
          catalog_version: expect.any(Number),
          system_identifier: expect.any(String),
        },
      },
      pg_autoctl: {
        status: 'running',
        services: [
          { name: 'postgres', pid: postmaster(), status: 'running' },
          { name: 'listener', status: 'running', version: expect.stringMatching(/^\d+\.\d+/) },
        ],
      },
    });
  });

  it('prints its connection string, which lets in over TLS', async () => {
    expect((await sandbox.run(['show', 'uri', ...here, '--formation', 'monitor'])).stdout).toBe(`${uri}\n`);
    expect((await sandbox.run(['show', 'state', '--json', '--monitor', uri])).stdout).toBe('[]\n');
    const table = (await sandbox.run(['show', 'uri'], { PGDATA: pgdata })).stdout.split('\n');
    expect(table[2]).toBe(`     monitor | monitor | ${uri}`);
    const formations = table.slice(3).map((line) => line.split(' | ').slice(0, 2).join());
    expect(formations).toEqual(
      ['    app', 'default', '   shop', '  stock'].map((name) => `   formation,${name}`).concat('', ''),
    );
  });

  it('says where its files are, and what is in them', async () => {
    const config = `${sandbox.path('config')}/pg_autoctl${pgdata}/pg_autoctl.cfg`;
    const show = async (...args: string[]) => (await sandbox.run(['show', 'file', ...here, ...args])).stdout;
    expect(await show()).toBe(
      [
        '   File | Path',
        '--------+----------------',
        ` Config | ${config}`,
        `    Pid | ${pidFile}`,
        '',
        '',
      ].join('\n'),
    );
    expect(JSON.parse(await show('--all', '--json'))).toEqual({ config, pid: pidFile });
    expect(await show('-p')).toBe(`${pidFile}\n`);
    expect(await show('-cC')).toBe(readFileSync(config, 'utf8'));
    expect(JSON.parse(await show('--config', '--contents', '--json'))).toMatchObject({
      pg_autoctl: { role: 'monitor', hostname: '127.0.0.1' },
      postgresql: { pgdata, port: expect.any(Number) },
    });
    expect(JSON.parse(await show('-pCJ'))).toMatchObject({ pid: readPidFile(pidFile)?.service.pid, pgdata });
  });

  it('has a unit for systemd, by the name that it was called, and hints how to use it', async () => {
    const link = sandbox.path('pg_autoctl');
    symlinkSync(BIN, link);
    const shown = await sandbox.run(['show', 'systemd', ...here], { PGAF_PLUGINS: '' }, link);
    expect(shown.status, shown.stderr).toBe(0);
    expect(shown.stdout).toContain(`\nExecStart=${process.execPath} ${link} run\n`);
    expect(shown.stdout).toContain(`\nEnvironment="PGDATA=${pgdata}"\n`);
    expect(shown.stdout).toContain(`\nEnvironment="XDG_CONFIG_HOME=${sandbox.path('config')}"\n`);
    expect(shown.stdout).toMatch(new RegExp(`\nUser=${userOf(pgdata)}\n`));
    expect(shown.stderr).toMatch(/systemctl daemon-reload\n.*systemctl enable .*\n.*systemctl start /);
    expect((await sandbox.run(['-q', 'show', 'systemd', ...here])).stderr).toBe('');
  });

  it('starts its Postgres again when that is killed', async () => {
    const killed = postmaster();
    process.kill(killed, 'SIGKILL');
    await waitFor(
      'another postmaster',
      async () => existsSync(`${pgdata}/postmaster.pid`) && postmaster() !== killed && (await answers()),
    );
  });

  it('leaves its Postgres running for the next version, when asked to', async () => {
    const [left, before] = [postmaster(), readPidFile(pidFile)?.service.pid ?? 0];
    expect((await sandbox.run(['stop', ...here, '--keep-postgres'])).status).toBe(0);
    expect(await status()).toBe(3);
    await waitFor('the process to end', () => !isAlive(before));
    expect(isAlive(left)).toBe(true);
    sandbox.start(['run', ...here]);
    await waitFor('the next one', async () => (await status()) === 0);
    expect(postmaster()).toBe(left);
    expect(await answers()).toBe(true);
    const both = await sandbox.run(['stop', ...here, '--keep-postgres', '--fast']);
    expect(both.stderr).toContain('--fast and --keep-postgres exclude each other.');
    expect(both.status).toBe(1);
  });

  it('is waited for by who stops it, for as long as it was told to', async () => {
    const service = readPidFile(pidFile)?.service.pid ?? 0;
    process.kill(service, 'SIGSTOP');
    const late = await sandbox.run(['stop', ...here, '--keep-postgres', '--wait', '1']);
    expect(errorsOf(late.stderr)[0]).toMatchObject({
      msg: `The service with pid ${service} was told to stop, and has not ended after 1 s.`,
      hint: expect.stringContaining('`pgaf stop --fast`'),
    });
    expect(late.status).toBe(3);
    const unwaited = await sandbox.run(['stop', ...here, '--keep-postgres', '--wait', '0']);
    expect(unwaited).toMatchObject({ status: 0, stderr: '' });
    expect(isAlive(service)).toBe(true);
    process.kill(service, 'SIGCONT');
    await waitFor('its end', async () => (await status()) === 3);
  });

  it('stops, with its Postgres, and leaves word in its log of who told it to, and that it did', async () => {
    const { log, closed } = logged(sandbox.start(['run', ...here]));
    await waitFor('the next one', answers);
    const pids = [postmaster(), readPidFile(pidFile)?.service.pid ?? 0];
    expect((await sandbox.run(['stop', ...here, '--fast'])).status).toBe(0);
    expect(await status()).toBe(3);
    await waitFor('nothing to be left', () => !pids.some(isAlive) && !existsSync(pidFile));
    expect((await sandbox.run(['show', 'state', ...here])).status).toBe(6);
    expect(await closed, log()).toBe(0);
    expect(log()).toMatch(/Told to stop fast \(SIGINT\)[^]*has stopped/);
  });

  it('stops while it starts, when told to then, and leaves no Postgres', async () => {
    const { log, closed } = logged(sandbox.start(['run', ...here]));
    await waitFor('its first word', () => log().includes('runs the monitor'), 30_000, log);
    process.kill(readPidFile(pidFile)?.service.pid ?? 0, 'SIGINT');
    expect(await closed, log()).toBe(0);
    expect(log()).toMatch(/Told to stop fast \(SIGINT\)[^]*has stopped/);
    expect(existsSync(`${pgdata}/postmaster.pid`)).toBe(false);
  });

  it('takes over from one that was killed, with the Postgres that it left', async () => {
    const first = sandbox.start(['run', ...here]);
    await waitFor('the monitor', answers);
    const left = postmaster();
    const ended = new Promise((resolve) => first.once('exit', resolve));
    first.kill('SIGKILL');
    await ended;
    expect(await status()).toBe(3);
    expect(JSON.parse((await sandbox.run(['status', ...here, '--json'])).stdout).pg_autoctl).toMatchObject({
      status: 'stale',
      services: [
        { name: 'postgres', status: 'running' },
        { name: 'listener', status: 'stale' },
      ],
    });
    // Its pid file is stale, and of four that find it one must win.
    const runs = [1, 2, 3, 4].map(() => sandbox.start(['run', ...here]));
    const turnedAway = () => runs.filter((run) => run.exitCode !== null).map((run) => run.exitCode);
    await waitFor('all but one to be turned away', () => turnedAway().length === 3);
    expect(turnedAway()).toEqual([12, 12, 12]);
    await waitFor('the service', async () => (await status()) === 0);
    expect(postmaster()).toBe(left);
  });

  it('ends with its Postgres when its parent goes', async () => {
    const run = readPidFile(pidFile)?.service.pid ?? 0;
    process.kill(run, 'SIGTERM');
    await waitFor('the end', () => !existsSync(pidFile));
    const orphan = sandbox.start(['run', ...here]);
    await waitFor('the monitor', answers);
    const pids = [postmaster(), orphan.pid ?? 0];
    orphan.stdio[3]?.destroy();
    await waitFor('nothing to be left', () => !pids.some(isAlive));
  });

  it('says so when that pipe is none', async () => {
    const ended = await sandbox.run(['run', ...here], { PGAF_DIE_WITH_PARENT: '99' });
    expect(errorsOf(ended.stderr)[0]?.msg).toBe(
      'PGAF_DIE_WITH_PARENT=99 is not the file descriptor of a pipe.',
    );
    expect(ended.status).toBe(1);
  });

  it('says where its configuration is wrong', async () => {
    const file = `${sandbox.path('config')}/pg_autoctl${pgdata}/pg_autoctl.cfg`;
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/port = \d+/, 'port = high'));
    const ended = await sandbox.run(['run', ...here]);
    // Who has to mend it must be able to find it.
    const found = await sandbox.run(['show', 'file', ...here, '--config']);
    writeFileSync(file, text);
    expect(found.stdout).toBe(`${file}\n`);
    expect(errorsOf(ended.stderr)[0]?.msg).toMatch(/pg_autoctl\.cfg:\d+.*"high".*postgresql\.port/);
    expect(ended.status).toBe(2);
  });
});
