import { once } from 'node:events';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { describeBadInput, type BadInput } from '../testing/bad-input.js';
import { Sandbox, waitFor } from '../testing/run-pgaf.js';
import { OPEN, startSingleNode, type SingleNode } from '../testing/single-node.js';

const sandbox = new Sandbox();
const env: Record<string, string> = { PGUSER: 'ad' };
let there: SingleNode;

beforeAll(async () => {
  there = await startSingleNode(sandbox, ['--username', 'ad', '--dbname', 'analytics', '--pg-hba-lan']);
  env['PG_AUTOCTL_MONITOR'] = there.monitorUri;
  sandbox.start(
    [
      ...['create', 'postgres', '--pgdata', sandbox.path('second'), '--pgport', String(await freePort())],
      ...['--name', 'second', '--dbname', 'analytics', '--hostname', '127.0.0.1'],
      ...[...OPEN, '--pg-hba-lan', '--run'],
    ],
    env,
  );
  let shown = '';
  const stands = async (): Promise<boolean> => {
    shown = (await sandbox.run(['show', 'state'], env)).stdout;
    return / primary \|\s+primary/.test(shown) && / secondary \|\s+secondary/.test(shown);
  };
  await waitFor('two nodes', stands, 60_000, () => shown);
}, 120_000);

afterAll(() => sandbox.dispose(), 60_000);

const cases: readonly BadInput[] = [
  {
    what: 'a demonstration of no known formation',
    args: () => ['demo', 'run', '--formation', 'nope', '--monitor', there.monitorUri],
    status: 1,
    message: /^There is no formation "nope"\.$/,
    hint: /show uri/,
  },
  {
    what: 'no monitor to ask',
    args: () => ['demo', 'uri'],
    status: 1,
    message: /not known which monitor/,
    hint: /--monitor/,
  },
  {
    what: 'a summary before there was a demonstration',
    args: () => ['demo', 'summary', '--username', 'ad', '--monitor', there.monitorUri],
    status: 3,
    message: /^No demonstration has run in the database "analytics"\.$/,
    hint: /pgaf demo run/,
  },
  {
    what: 'a role that is none',
    args: () => ['demo', 'ping', '--username', 'nobody', '--monitor', there.monitorUri],
    status: 4,
    message: /role "nobody" does not exist/,
    hint: /user/,
  },
  {
    what: 'clients that are none',
    args: () => ['demo', 'run', '--clients', 'many', '--monitor', there.monitorUri],
    status: 1,
    message: /^--clients is "many", which must be a whole number from 1 to 1000\.$/,
    hint: /--clients/,
  },
];
describeBadInput(sandbox, cases);

describe('the demonstration', () => {
  it('has the connection string of the formation, with its role', async () => {
    const ports = `127\\.0\\.0\\.1:\\d+,127\\.0\\.0\\.1:\\d+`;
    const uri = new RegExp(
      `^postgres://ad@${ports}/analytics\\?target_session_attrs=read-write&sslmode=prefer\n$`,
    );
    expect((await sandbox.run(['demo', 'uri'], env)).stdout).toMatch(uri);
    const { PGUSER: _, ...without } = env;
    const { stdout } = await sandbox.run(['demo', 'uri', '--json'], without);
    expect(JSON.parse(stdout)['default']).toMatch(new RegExp(`^postgres://${userInfo().username}@`));
  });

  it('pings the node that takes writes', async () => {
    const { stdout, stderr } = await sandbox.run(['do', 'demo', 'ping'], env);
    expect(stdout, stderr).toMatch(
      new RegExp(`^127\\.0\\.0\\.1:${there.nodePort} takes writes, connected in [\\d.]+ ms\n$`),
    );
  });

  it('writes on through a failover, and tells what it saw', async () => {
    const plan = ['--clients', '2', '--duration', '10', '--first-failover', '2', '--failover-freq', '30'];
    const { status, stdout, stderr } = await sandbox.run(['demo', 'run', ...plan], env);
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(/There will be a failover after 2s\n/);
    expect(stderr).toMatch(/"second" is the primary, .* after the order\n/);
    expect(stderr).toMatch(/(\d+) rows were acknowledged, and all of them are there\n/);
    expect(stdout).toMatch(/^Client \| Connections \| Retries \|/);
    expect(stdout).toMatch(/^ {5}2 \| +\d+ \|/m);
    expect(stdout).toMatch(/^ {3}All \| +\d+ \|/m);
    expect(stdout).toMatch(/^Min Connect Time \(ms\) \| +max \| +freq \| bar$/m);
    expect(stdout).toMatch(/▒{20}$/m);
    expect((await sandbox.run(['demo', 'summary'], env)).stdout).toBe(stdout);
    const { clients, histogram } = JSON.parse(
      (await sandbox.run(['demo', 'summary', '--json'], env)).stdout,
    ) as { clients: { connections: number }[]; histogram: { frequency: number }[] };
    expect(clients).toHaveLength(3);
    const all = clients.at(-1)?.connections;
    expect(histogram.reduce((sum, { frequency }) => sum + frequency, 0)).toBe(all);
    expect(stderr).toContain(`${all} rows were acknowledged`);
  }, 90_000);

  it('ends at a signal, and still tells', async () => {
    const child = sandbox.start(['demo', 'run', '--duration', '10min', '--no-failover'], env);
    let [log, table] = ['', ''];
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (table += text));
    const ended = once(child, 'close');
    await waitFor(
      'the first row',
      () => /connected 1 times/.test(log),
      30_000,
      () => log,
    );
    child.kill('SIGTERM');
    expect((await ended)[0], log).toBe(0);
    expect(table).toMatch(/^Client \| Connections/);
  });

  it('waits for a formation that is being made', async () => {
    const formation = ['create', 'formation', '--formation', 'late', '--kind', 'pgsql', '--dbname', 'late'];
    expect((await sandbox.run(formation, env)).status).toBe(0);
    const child = sandbox.start(['demo', 'run', '--formation', 'late', '--duration', '1'], env);
    let log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
    const ended = once(child, 'close');
    await waitFor(
      'it to wait',
      () => /Waiting up to 60 s for the monitor/.test(log),
      30_000,
      () => log,
    );
    sandbox.start(
      [
        ...['create', 'postgres', '--pgdata', sandbox.path('third'), '--pgport', String(await freePort())],
        ...['--formation', 'late', '--dbname', 'late', '--username', 'ad', '--hostname', '127.0.0.1'],
        ...[...OPEN, '--pg-hba-lan', '--run'],
      ],
      env,
    );
    expect((await ended)[0], log).toBe(0);
    expect(log).toMatch(/There will be no failover/);
    expect(log).toMatch(/rows were acknowledged, and all of them are there/);
  }, 90_000);
});
