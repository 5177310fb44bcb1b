import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { errorsOf, Sandbox, waitFor } from '../testing/run-pgaf.js';

const sandbox = new Sandbox();
const env: Record<string, string> = {};
const OPEN = ['--auth', 'trust', '--no-ssl', '--hostname', '127.0.0.1'];

/** The files of a member that show how far its `create` is. */
function progressOf(member: string): Readonly<Record<string, () => boolean>> {
  const own = `pg_autoctl${sandbox.path(member)}`;
  const there = (path: string) => () => existsSync(path);
  return {
    'its configuration was written': there(`${sandbox.path('config')}/${own}/pg_autoctl.cfg`),
    'it was registered': there(`${sandbox.path('data')}/${own}/pg_autoctl.state`),
    'initdb was at work': there(`${sandbox.path(member)}/.pgaf-unfinished`),
    'the data directory was filled': there(`${sandbox.path(member)}/global/pg_control`),
    'Postgres had been started': there(`${sandbox.path(member)}/postmaster.pid`),
  };
}

async function killWhen(reached: () => boolean, args: readonly string[]): Promise<void> {
  const child = sandbox.start(args, env);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const deadline = performance.now() + 30_000;
  // Not waitFor: what is to be hit passes within milliseconds.
  while (!reached() && performance.now() < deadline && child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  child.kill('SIGKILL');
  await ended;
  expect(reached(), `create had come so far: ${args.join(' ')}`).toBe(true);
}

const states = async () =>
  JSON.parse((await sandbox.run(['show', 'state', '--json'], env)).stdout) as Record<string, unknown>[];

beforeAll(async () => {
  const port = String(await freePort());
  env['PG_AUTOCTL_MONITOR'] = `postgres://autoctl_node@127.0.0.1:${port}/pg_auto_failover?sslmode=prefer`;
  const monitor = ['create', 'monitor', '--pgdata', sandbox.path('monitor'), '--pgport', port, ...OPEN];
  sandbox.start([...monitor, '--run']);
  await waitFor('the monitor', async () => (await sandbox.run(['show', 'state'], env)).status === 0);
}, 60_000);

afterAll(() => sandbox.dispose(), 60_000);

describe('a monitor whose creation was killed', () => {
  it.each([
    'its configuration was written',
    'initdb was at work',
    'the data directory was filled',
    'Postgres had been started',
  ])(
    'when %s is created by the same command with another port',
    async (moment) => {
      const member = `m-${moment.replaceAll(' ', '-')}`;
      const create = [
        'create',
        'monitor',
        '--pgdata',
        sandbox.path(member),
        ...OPEN.slice(0, 2),
        ...OPEN.slice(3),
      ];
      const tls = '--ssl-self-signed';
      await killWhen(progressOf(member)[moment] ?? (() => false), [
        ...create,
        tls,
        '--pgport',
        String(await freePort()),
      ]);
      const port = await freePort();
      const again = await sandbox.run([...create, tls, '--pgport', String(port)]);
      expect(again.status, again.stderr).toBe(0);
      expect(again.stderr).toContain(`@127.0.0.1:${port}/pg_auto_failover`);
      expect(existsSync(`${sandbox.path(member)}/postmaster.pid`)).toBe(false);
    },
    60_000,
  );
});

describe('a node whose creation was killed', () => {
  it.each([
    'its configuration was written',
    'it was registered',
    'initdb was at work',
    'the data directory was filled',
    'Postgres had been started',
  ])(
    'when %s is created by the same command with another name and port',
    async (moment) => {
      const member = `n-${moment.replaceAll(' ', '-')}`;
      const create = ['create', 'postgres', '--pgdata', sandbox.path(member), ...OPEN];
      const place = ['--name', 'early', '--pgport', String(await freePort())];
      await killWhen(progressOf(member)[moment] ?? (() => false), [...create, ...place]);
      const port = await freePort();
      const again = await sandbox.run([...create, '--name', 'late', '--pgport', String(port)], env);
      expect(again.status, again.stderr).toBe(0);
      expect(await states()).toMatchObject([{ nodename: 'late', nodeport: port }]);
      const dropped = await sandbox.run(
        ['drop', 'node', '--pgdata', sandbox.path(member), '--destroy', '--force'],
        env,
      );
      expect(dropped.status, dropped.stderr).toBe(0);
      expect(await states()).toEqual([]);
    },
    60_000,
  );

  it('is not created again while its service lives', async () => {
    const create = [
      'create',
      'postgres',
      '--pgdata',
      sandbox.path('live'),
      ...OPEN,
      '--pgport',
      String(await freePort()),
    ];
    sandbox.start([...create, '--run'], env);
    const isSingle = async () =>
      / single \|\s+single/.test((await sandbox.run(['show', 'state'], env)).stdout);
    await waitFor('the node', isSingle);
    const again = await sandbox.run(create, env);
    expect(again.status).toBe(3);
    expect(errorsOf(again.stderr)[0]?.msg).toMatch(/is running, with pid/);
  }, 60_000);

  it('is not resumed at another monitor, which may know another node by its id', async () => {
    const port = String(await freePort());
    const place = ['--pgdata', sandbox.path('elsewhere'), '--pgport', port];
    const other = sandbox.start(['create', 'monitor', ...place, ...OPEN, '--run']);
    const uri = `postgres://autoctl_node@127.0.0.1:${port}/pg_auto_failover?sslmode=prefer`;
    await waitFor('it', async () => (await sandbox.run(['show', 'state', '--monitor', uri])).status === 0);
    const stopped = await sandbox.run(['stop', '--pgdata', sandbox.path('live')]);
    expect(stopped.status, stopped.stderr).toBe(0);
    await waitFor(
      'its end',
      async () => (await sandbox.run(['status', '--pgdata', sandbox.path('live')])).status === 3,
    );
    const moved = await sandbox.run(
      ['create', 'postgres', '--pgdata', sandbox.path('live'), '--monitor', uri, ...OPEN],
      env,
    );
    expect(moved.status, moved.stderr).toBe(3);
    expect(errorsOf(moved.stderr)[0]?.msg).toMatch(/of another monitor/);
    const back = await sandbox.run(['create', 'postgres', '--pgdata', sandbox.path('live'), ...OPEN], env);
    expect(back.status, back.stderr).toBe(0);
    other.kill('SIGQUIT');
  }, 60_000);
});
