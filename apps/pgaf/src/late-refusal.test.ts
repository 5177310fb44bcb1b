import { existsSync, readFileSync } from 'node:fs';
import { freePort } from '@pgaf/core/testing/free-ports';
import { afterAll, expect, it } from 'vitest';
import { errorsOf, Sandbox, waitFor } from './testing/run-pgaf.js';
import { OPEN, startSingleNode } from './testing/single-node.js';
import { asSuperuserOfMonitor } from './testing/superuser-of-monitor.js';

const sandbox = new Sandbox();
const pgdata = sandbox.path('second');
afterAll(() => sandbox.dispose());

/** 0 when there is none. */
function pidIn(directory: string): number {
  const file = `${directory}/postmaster.pid`;
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : 0;
}

it('a keeper that its monitor refuses after a while leaves no Postgres that it has started itself', async () => {
  const { monitorUri } = await startSingleNode(sandbox);
  // So that the refusal is waited for until it comes.
  const patient = `${monitorUri}&connect_timeout=60`;
  const keeper = sandbox.start([
    ...['create', 'postgres', '--pgdata', pgdata, '--pgport', String(await freePort())],
    ...['--hostname', '127.0.0.1', '--name', 'second', '--monitor', patient, ...OPEN, '--run'],
  ]);
  const states = async () => (await sandbox.run(['show', 'state', '--monitor', monitorUri])).stdout;
  await waitFor('two nodes', async () => / secondary \|\s+secondary/.test(await states()));
  const killed = pidIn(pgdata);
  keeper.kill('SIGKILL');
  process.kill(killed, 'SIGKILL');
  asSuperuserOfMonitor(
    sandbox,
    `INSERT INTO pgautofailover.schema_version VALUES (9999, 'of the future', true)`,
  );
  // Who logs in to it waits, for longer than the keeper does.
  const monitor = pidIn(sandbox.path('monitor'));
  process.kill(monitor, 'SIGSTOP');
  let refused;
  try {
    refused = sandbox.run(['run', '--pgdata', pgdata]);
    await waitFor('its Postgres', () => ![0, killed].includes(pidIn(pgdata)));
  } finally {
    process.kill(monitor, 'SIGCONT');
  }
  const { status, stderr } = await refused;
  expect(status, stderr).toBe(14);
  expect(errorsOf(stderr).at(-1)?.msg).toContain('migration 9999');
  expect(pidIn(pgdata)).toBe(0);
}, 120_000);
