import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { errorsOf, Sandbox, waitFor, type Ended } from '../testing/run-pgaf.js';

const sandbox = new Sandbox();
const env: Record<string, string> = {};
const PLACE = ['--no-ssl', '--hostname', '127.0.0.1'];
const RIGHT = 'right.pw';

async function create(name: string, password: string): Promise<string[]> {
  return [
    ...['create', 'postgres', '--pgdata', sandbox.path(name), '--name', name, ...PLACE],
    ...['--pgport', String(await freePort()), '--auth', 'scram-sha-256'],
    ...['--replication-password-file', sandbox.path(password)],
  ];
}

beforeAll(async () => {
  sandbox.file(RIGHT, 'right', 0o600);
  sandbox.file('wrong.pw', 'wrong', 0o600);
  const port = String(await freePort());
  env['PG_AUTOCTL_MONITOR'] = `postgres://autoctl_node@127.0.0.1:${port}/pg_auto_failover?sslmode=prefer`;
  const monitor = ['create', 'monitor', '--pgdata', sandbox.path('monitor'), '--pgport', port, ...PLACE];
  sandbox.start([...monitor, '--auth', 'trust', '--run']);
  await waitFor('the monitor', async () => (await sandbox.run(['show', 'state'], env)).status === 0);
  sandbox.start([...(await create('one', RIGHT)), '--run'], env);
  await waitFor('the first node', async () =>
    / single \|\s+single/.test((await sandbox.run(['show', 'state'], env)).stdout),
  );
}, 120_000);

afterAll(() => sandbox.dispose());

it('ends a create whose replication password the primary refuses, says so, and goes on with the right one', async () => {
  const two = await create('two', 'wrong.pw');
  const refused: Ended = await sandbox.run(two, env);
  expect(refused.status, refused.stderr).toBeGreaterThan(0);
  const [first] = errorsOf(refused.stderr);
  expect(first?.msg).toMatch(/password authentication failed for user "pgautofailover_replicator"/);
  expect(refused.stderr).toMatch(/replication\.password in \S+pg_autoctl\.cfg/);
  const again = await sandbox.run(
    two.map((word) => (word === sandbox.path('wrong.pw') ? sandbox.path(RIGHT) : word)),
    env,
  );
  expect(again.status, again.stderr).toBe(0);
}, 180_000);
