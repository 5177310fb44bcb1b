import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import { errorsOf, Sandbox, waitFor, type Ended } from '../testing/run-pgaf.js';

vi.setConfig({ testTimeout: 60_000 });

const sandbox = new Sandbox();
let uri = '';
const node = ['--pgdata', sandbox.path('one')];
const run = (...args: string[]): Promise<Ended> => sandbox.run(args);
const onMonitor = (...args: string[]): Promise<Ended> => run(...args, '--monitor', uri);
let service: ReturnType<Sandbox['start']>;

beforeAll(async () => {
  const [monitorPort, nodePort] = [String(await freePort()), String(await freePort())];
  uri = `postgres://autoctl_node@127.0.0.1:${monitorPort}/pg_auto_failover?sslmode=prefer`;
  const common = ['--hostname', '127.0.0.1', '--auth', 'trust', '--no-ssl'];
  const monitor = ['--pgdata', sandbox.path('monitor'), '--pgport', monitorPort];
  sandbox.start(['create', 'monitor', ...monitor, ...common, '--run']);
  await waitFor('the monitor', async () => (await onMonitor('show', 'state')).status === 0);
  const place = [...node, '--pgport', nodePort, '--name', 'one', '--monitor', uri];
  service = sandbox.start(['create', 'postgres', ...place, ...common, '--run']);
  await waitFor('the node', async () =>
    / single \|\s+single/.test((await onMonitor('show', 'state')).stdout),
  );
}, 90_000);

afterAll(async () => {
  // Its service is killed below, which leaves it running.
  await stopPostmaster(sandbox.path('one'), { mode: 'immediate' });
  await sandbox.dispose();
});

test('the node of the data directory is paused and resumed, as often as one likes', async () => {
  expect(await run('pause', ...node)).toMatchObject({
    status: 0,
    stdout: '',
    stderr: expect.stringMatching(/Node 1 "one" is paused\n/),
  });
  expect((await run('pause', ...node)).stderr).toMatch(/Node 1 "one" is paused already\n/);
  const state = await onMonitor('show', 'state', '--json');
  expect(JSON.parse(state.stdout)).toEqual([expect.objectContaining({ nodename: 'one', paused: true })]);
  const resumed = await run('resume', ...node, '--json');
  expect(JSON.parse(resumed.stdout)).toEqual([{ node_id: 1, name: 'one', changed: true }]);
  const events = (await onMonitor('show', 'events')).stdout;
  expect(events).toMatch(/operator\.pause \| The operator paused node 1 "one"/);
  expect(events).toMatch(/operator\.resume \| The operator resumed node 1 "one"/);
});

test.each([
  ['--name', 'one'],
  ['--group', '0'],
  ['--formation', 'default'],
])('nodes of the monitor are paused by %s %s', async (...which) => {
  expect((await onMonitor('pause', ...which)).stderr).toMatch(/Node 1 "one" is paused\n/);
  expect((await onMonitor('resume', ...which)).stderr).toMatch(/Node 1 "one" is resumed\n/);
});

test.each<[string, string[], number, RegExp, RegExp]>([
  ['a pause of nothing', [], 1, /not said which nodes/, /--name, --group or --formation/],
  ['an unknown name', ['--name', 'gone'], 1, /no node named "gone"/, /show state/],
  ['an unknown group', ['--group', '7'], 1, /no group 7/, /group 0 only/],
  ['an unknown formation', ['--formation', 'gone'], 1, /no formation "gone"/, /show uri/],
])('%s is refused, and nothing is paused', async (_what, which, status, message, hint) => {
  const { status: exit, stderr } = await onMonitor('pause', ...which);
  expect(errorsOf(stderr)).toEqual([
    { msg: expect.stringMatching(message), hint: expect.stringMatching(hint) },
  ]);
  expect(exit).toBe(status);
  expect((await onMonitor('show', 'state')).stdout).not.toContain('paused');
});

test('a node whose service is down is paused with a warning, whatever it said of an earlier pause', async () => {
  expect((await run('pause', ...node)).status).toBe(0);
  const ended = new Promise((resolve) => service.once('exit', resolve));
  service.kill('SIGKILL');
  await ended;
  expect((await run('resume', ...node)).status).toBe(0);
  await waitFor('the warning', async () => {
    const { status, stderr } = await run('pause', ...node, '--wait', '10');
    expect(status).toBe(0);
    return stderr.includes('"one" is silent: it hears of the pause when its service reports again');
  });
});
