import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { freePort } from '@pgaf/core/testing/free-ports';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeBadInput, type BadInput } from './testing/bad-input.js';
import { errorsOf, Sandbox, waitFor } from './testing/run-pgaf.js';
import { OPEN } from './testing/single-node.js';
import { asSuperuserOfMonitor } from './testing/superuser-of-monitor.js';

const sandbox = new Sandbox();
let monitorUri = '';
let closedPort = 0;
let monitor: ChildProcess;
const TOO_NEW =
  /^The monitor's schema has migration 9999 \(of the future\), which this version of pgaf does not know\.$/;

/** A monitor on which a newer pgaf ran. */
beforeAll(async () => {
  const port = await freePort();
  closedPort = await freePort();
  monitorUri = `postgres://autoctl_node@127.0.0.1:${port}/pg_auto_failover`;
  monitor = sandbox.start([
    ...['create', 'monitor', '--pgdata', sandbox.path('monitor'), '--pgport', String(port)],
    ...['--hostname', '127.0.0.1', ...OPEN, '--run'],
  ]);
  const show = () => sandbox.run(['show', 'state', '--monitor', monitorUri]);
  await waitFor('the monitor', async () => (await show()).status === 0);
  const created = await sandbox.run([
    ...['create', 'postgres', '--pgdata', sandbox.path('one'), '--pgport', String(await freePort())],
    ...['--hostname', '127.0.0.1', '--monitor', monitorUri, ...OPEN],
  ]);
  expect(created.status, created.stderr).toBe(0);
  asSuperuserOfMonitor(sandbox, `INSERT INTO pgautofailover.schema_version VALUES (9998, 'harmless', false)`);
  const warned = await show();
  expect(warned.status).toBe(0);
  expect(warned.stderr).toMatch(/WARN .*can work with: 9998 \(harmless\)\./);
  asSuperuserOfMonitor(
    sandbox,
    `INSERT INTO pgautofailover.schema_version VALUES (9999, 'of the future', true)`,
  );
}, 120_000);
afterAll(() => sandbox.dispose());

const cases: readonly BadInput[] = [
  {
    what: 'a command that reads',
    args: () => ['show', 'state', '--monitor', monitorUri],
    status: 14,
    message: TOO_NEW,
    hint: /a newer one/,
  },
  {
    what: 'a command that writes',
    args: () => ['perform', 'switchover', '--monitor', monitorUri],
    status: 14,
    message: TOO_NEW,
    hint: /a newer one/,
  },
  {
    what: 'a node to create',
    args: () => [
      ...['create', 'postgres', '--pgdata', sandbox.path('new'), '--pgport', String(closedPort)],
      ...['--hostname', '127.0.0.1', '--monitor', monitorUri, ...OPEN],
    ],
    status: 14,
    message: TOO_NEW,
    hint: /a newer one/,
  },
];

describe('a schema that is newer than this program', () => {
  describeBadInput(sandbox, cases);

  it('is refused by a keeper that starts, which starts no Postgres', async () => {
    const ended = await sandbox.run(['run', '--pgdata', sandbox.path('one')]);
    expect(errorsOf(ended.stderr).at(-1)).toMatchObject({
      msg: expect.stringMatching(TOO_NEW),
      hint: expect.stringContaining('a newer one'),
    });
    expect(ended.status).toBe(14);
    expect(existsSync(sandbox.path('one/postmaster.pid'))).toBe(false);
  }, 60_000);

  it('is refused by the service, which leaves no Postgres behind', async () => {
    monitor.kill('SIGTERM');
    await new Promise((resolve) => monitor.once('exit', resolve));
    const ended = await sandbox.run(['run', '--pgdata', sandbox.path('monitor')]);
    expect(errorsOf(ended.stderr).at(-1)).toMatchObject({
      msg: expect.stringMatching(TOO_NEW),
      hint: expect.stringContaining('a newer one'),
    });
    expect(ended.status).toBe(14);
    expect(existsSync(sandbox.path('monitor/postmaster.pid'))).toBe(false);
  });
});
