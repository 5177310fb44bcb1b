import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { freePort } from '@pgaf/core/testing/free-ports';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asSuperuserOfMonitor } from '../testing/superuser-of-monitor.js';
import { errorsOf, Sandbox, waitFor } from '../testing/run-pgaf.js';
import { OPEN } from '../testing/single-node.js';

const sandbox = new Sandbox();
let port = 0;
let monitorUri = '';
let monitor: ChildProcess;

/** A service of the sandbox, and what it has logged so far. */
class Service {
  log = '';
  readonly ended: Promise<unknown>;

  constructor(readonly child: ChildProcess) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    this.ended = once(child, 'exit');
  }

  async says(what: RegExp): Promise<void> {
    await waitFor(`${what}`, () => what.test(this.log) || this.child.exitCode !== null).catch(
      () => undefined,
    );
    expect(this.log).toMatch(what);
  }
}

const create = async (name: string, ...more: readonly string[]) =>
  new Service(
    sandbox.start([
      ...['create', 'postgres', '--pgdata', sandbox.path(name), '--pgport', String(await freePort())],
      ...['--name', name, '--hostname', '127.0.0.1', '--monitor', monitorUri, ...OPEN, ...more],
    ]),
  );
const runMonitor = () => (monitor = sandbox.start(['run', '--pgdata', sandbox.path('monitor')]));
const stopService = async () => {
  const ended = once(monitor, 'exit');
  monitor.kill('SIGUSR2');
  await ended;
};
const states = async () => (await sandbox.run(['show', 'state', '--monitor', monitorUri])).stdout;

beforeAll(async () => {
  port = await freePort();
  monitorUri = `postgres://autoctl_node@127.0.0.1:${port}/pg_auto_failover?sslmode=prefer`;
});

afterAll(() => sandbox.dispose(), 60_000);

describe('a node that is created before its monitor is up', () => {
  it('waits for it, says so once, and is created then', async () => {
    const node = await create('early', '--run');
    await node.says(/Waiting/);
    expect(node.log).toContain(`Waiting up to 60 s for the monitor at 127.0.0.1:${port}: connection refused`);
    monitor = sandbox.start([
      ...['create', 'monitor', '--pgdata', sandbox.path('monitor'), '--pgport', String(port)],
      ...['--hostname', '127.0.0.1', ...OPEN, '--run'],
    ]);
    await waitFor('a single node', async () => / single \|\s+single/.test(await states()));
    expect(node.log.match(/Waiting up to/g)).toHaveLength(1);
    expect(node.log).toContain('The monitor answers');
    const ended = await sandbox.run(['drop', 'node', '--name', 'early', '--monitor', monitorUri]);
    expect(ended.status, ended.stderr).toBe(0);
    await node.ended;
  }, 90_000);

  it('waits while Postgres of the monitor runs, and its service does not', async () => {
    await stopService();
    const node = await create('served-late');
    await node.says(/Waiting up to 60 s .*the monitor service is not running/);
    runMonitor();
    await node.ended;
    expect(node.child.exitCode, node.log).toBe(0);
  }, 90_000);

  it('waits while the service has yet to make the schema', async () => {
    await stopService();
    asSuperuserOfMonitor(
      sandbox,
      'SET client_min_messages = warning; DROP SCHEMA pgautofailover CASCADE; DROP SCHEMA pgautofailover_private CASCADE',
    );
    const node = await create('schema-late');
    await node.says(/Waiting up to 60 s .*no schema of a monitor yet/);
    runMonitor();
    await node.ended;
    expect(node.child.exitCode, node.log).toBe(0);
  }, 90_000);

  it('waits no longer than it was told, and leaves nothing behind', async () => {
    const before = sandbox.tree().filter((name) => /never|new/.test(name));
    const ended = await sandbox.run([
      ...['create', 'postgres', '--pgdata', sandbox.path('never'), '--pgport', String(await freePort())],
      ...['--monitor', `postgres://autoctl_node@127.0.0.1:${await freePort()}/pg_auto_failover`, ...OPEN],
      ...['--wait', '2'],
    ]);
    expect(ended.status).toBe(6);
    expect(ended.stderr).toMatch(/Waiting up to 2 s for the monitor/);
    expect(errorsOf(ended.stderr).at(-1)?.msg).toMatch(/Cannot connect to the monitor: .*connection refused/);
    expect(ended.ms).toBeGreaterThan(1000);
    expect(sandbox.tree().filter((name) => /never|new/.test(name))).toEqual(before);
  });

  it('does not wait for what waiting does not mend', async () => {
    const ended = await sandbox.run([
      ...['create', 'postgres', '--pgdata', sandbox.path('never'), '--pgport', String(await freePort())],
      ...['--monitor', monitorUri.replace('autoctl_node', 'nobody'), ...OPEN],
    ]);
    expect(ended.status).toBe(6);
    expect(ended.stderr).not.toContain('Waiting');
  });
});

describe('a node that is started while its monitor is away', () => {
  const run = (...more: readonly string[]) =>
    new Service(sandbox.start(['run', '--pgdata', sandbox.path('schema-late'), ...more]));
  const configured = () =>
    readFileSync(`${sandbox.path('config')}/pg_autoctl${sandbox.path('schema-late')}/pg_autoctl.cfg`, 'utf8');
  const stopMonitor = async () => {
    const ended = once(monitor, 'exit');
    monitor.kill('SIGINT');
    await ended;
  };

  it('starts at once under the name that it has', async () => {
    await stopMonitor();
    const node = run('--name', 'schema-late', '--hostname', '127.0.0.1');
    await node.says(/runs the keeper/);
    expect(node.log).not.toContain('Waiting up to');
    node.child.kill('SIGINT');
    await node.ended;
  }, 90_000);

  it('waits with a new one, changes nothing, and ends when it is told to', async () => {
    const before = configured();
    const node = run('--name', 'renamed');
    await node.says(/Waiting up to 60 s for the monitor/);
    node.child.kill('SIGTERM');
    await node.ended;
    expect(node.child.exitCode, node.log).toBe(0);
    expect(configured()).toBe(before);
  }, 90_000);

  it('takes it once the monitor is there', async () => {
    const node = run('--name', 'renamed');
    await node.says(/Waiting up to 60 s for the monitor/);
    runMonitor();
    await node.says(/knows this node as .*renamed/);
    expect(await states()).toMatch(/renamed/);
    expect(configured()).toContain('name = renamed');
  }, 90_000);
});
