import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import { errorsOf, Sandbox, waitFor, type Ended } from '../testing/run-pgaf.js';

vi.setConfig({ testTimeout: 90_000 });

const sandbox = new Sandbox();
const PLACE = ['--hostname', '127.0.0.1', '--no-ssl'];
const env: Record<string, string> = {};
const services = new Map<string, ReturnType<Sandbox['start']>>();
const run = (...args: string[]): Promise<Ended> => sandbox.run(args, env);
const explain = async (): Promise<string> => (await run('explain')).stdout;

async function start(name: string, password = 'right'): Promise<void> {
  const node = ['create', 'postgres', '--pgdata', sandbox.path(name), '--name', name, ...PLACE, '--run'];
  const port = ['--pgport', String(await freePort())];
  const secret = ['--auth', 'scram-sha-256', '--replication-password-file', sandbox.path(`${password}.pw`)];
  services.set(name, sandbox.start([...node, ...port, ...secret], env));
}

async function kill(name: string): Promise<void> {
  const service = services.get(name);
  const ended = new Promise((resolve) => service?.once('exit', resolve));
  service?.kill('SIGKILL');
  await ended;
}

/** What it says once it says so. */
async function explained(what: string, ...patterns: RegExp[]): Promise<string> {
  let text = '';
  await waitFor(
    what,
    async () => patterns.every((pattern) => pattern.test(text)) || ((text = await explain()), false),
    60_000,
    () => text,
  );
  return text;
}

beforeAll(async () => {
  sandbox.file('right.pw', 'right', 0o600);
  sandbox.file('wrong.pw', 'wrong', 0o600);
  const port = String(await freePort());
  env['PG_AUTOCTL_MONITOR'] = `postgres://autoctl_node@127.0.0.1:${port}/pg_auto_failover?sslmode=prefer`;
  const monitor = ['create', 'monitor', '--pgdata', sandbox.path('monitor'), '--pgport', port, ...PLACE];
  services.set('monitor', sandbox.start([...monitor, '--auth', 'trust', '--run']));
  await waitFor('the monitor', async () => (await run('show', 'state')).status === 0);
}, 90_000);

afterAll(async () => {
  // Services are killed below, which leaves what they run running.
  for (const name of ['one', 'two']) await stopPostmaster(sandbox.path(name), { mode: 'immediate' });
  await sandbox.dispose();
}, 90_000);

test('a formation without nodes, and what is not there, is told with what to do', async () => {
  const empty = await run('explain');
  expect(errorsOf(empty.stderr)[0]).toMatchObject({ msg: expect.stringMatching(/has no nodes/) });
  expect(empty.status).toBe(1);
  for (const [flag, value] of [
    ['--group', '3'],
    ['--formation', 'nope'],
  ] as const) {
    const { status, stderr } = await run('explain', flag, value);
    expect(status).toBe(1);
    expect(errorsOf(stderr)[0]).toMatchObject({
      msg: expect.stringContaining(value),
      hint: expect.any(String),
    });
  }
});

test('a single node waits for nothing, and needs a standby', async () => {
  await start('one');
  const text = await explained('a single node', /\): single, for /);
  expect(text).toMatch(
    /^Group 0 of formation "default", epoch 1:\n {2}node 1 "one" \(127\.0\.0\.1:\d+\): single, for /,
  );
  expect(text).toMatch(
    /No failover is possible now: .*\nIt would be possible once:\n {2}- a standby has joined/,
  );
});

test('a standby with a wrong password is named, with what the primary answers', async () => {
  await start('two', 'wrong');
  await explained(
    'the refusal',
    /node 2 "two" .*waits for .*password authentication failed for user "pgautofailover_replicator"/,
  );
  await kill('two');
  await start('two');
});

test('a healthy pair says who would take over, and which rules moved it there', async () => {
  const text = await explained(
    'a pair',
    /A failover is possible: if node 1 "one".* node 2 "two" .*would take over\.\n$/,
  );
  expect(text).toMatch(
    /node 1 "one" .*: primary, for \d+\w+; moved by leader\.synchronous \d+\w+ ago: a standby can/,
  );
  expect(text).toMatch(
    /node 2 "two" .*: secondary, for \d+\w+; moved by standby\.ready .*: it has caught up\n/,
  );
  const json = await run('explain', '--group', '0', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject([
    { epoch: 1, primary_id: 1, failover: { outlook: 'possible', node_id: 2, ways: [] } },
  ]);
});

test('a pause, and a priority of 0, are named with the command that ends them', async () => {
  await run('pause', '--name', 'one');
  expect(await explain()).toMatch(/- node 1 .* is resumed: `pgaf resume --name one`\n$/);
  await run('resume', '--name', 'one');
  await run('set', 'node', 'candidate-priority', '0', '--name', 'two');
  const text = await explained('the priority', /may be elected: `pgaf (.*)`\n$/);
  const [, command = ''] = /may be elected: `pgaf (.*)`\n$/.exec(text) ?? [];
  expect((await run(...command.split(' '))).status).toBe(0);
  await explained('a failover is possible again', /A failover is possible/);
});

test('a primary whose service is frozen is named, with what keeps the standby from taking over', async () => {
  const frozen = services.get('one')?.pid ?? 0;
  expect(frozen).toBeGreaterThan(0);
  process.kill(frozen, 'SIGSTOP');
  try {
    const text = await explained('the silence', /node 1 "one" .*waits for its service to be heard again/);
    expect(text).toMatch(/still answers the monitor|still hears from|takes over/);
  } finally {
    process.kill(frozen, 'SIGCONT');
  }
  await explained('a failover is possible again', /A failover is possible/);
});

test('a standby that is dead is to be started', async () => {
  const pair = JSON.parse((await run('explain', '--json')).stdout) as [{ primary_id: number }];
  const standby = pair[0].primary_id === 1 ? 'two' : 'one';
  await kill(standby);
  await stopPostmaster(sandbox.path(standby), { mode: 'immediate' });
  // The loss is told as soon as the monitor has seen it, and what the primary waits for once that has heard of it.
  await explained(
    'the loss',
    /No failover is possible now/,
    /is heard again: run `pgaf run` there, or mend its network to the monitor|answers the monitor/,
    /waits for a standby that acknowledges commits/,
  );
});

test('without its service the monitor cannot say, and says so', async () => {
  const monitor = services.get('monitor');
  const ended = new Promise((resolve) => monitor?.once('exit', resolve));
  await run('stop', '--pgdata', sandbox.path('monitor'));
  await ended;
  const { status, stderr } = await run('explain');
  expect(status).toBe(6);
  expect(errorsOf(stderr)[0]).toMatchObject({ hint: expect.any(String) });
});
