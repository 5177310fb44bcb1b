import type { ChildProcess } from 'node:child_process';
import { connect } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { freePort } from '@pgaf/core/testing/free-ports';
import { decided } from '@pgaf/monitor/testing/decided';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe } from 'vitest';
import { describeBadInput, type BadInput } from './testing/bad-input.js';
import { Sandbox, waitFor } from './testing/run-pgaf.js';
import { OPEN } from './testing/single-node.js';

const sandbox = new Sandbox();
const NAMES = ['first', 'second', 'third'];
const services = new Map<string, ChildProcess>();
let monitorUri = '';
let client: Client;

const onMonitor = (...words: string[]): string[] => [...words, '--monitor', monitorUri];
const unchanged = () => decided(client);

async function order(...words: string[]): Promise<void> {
  const { status, stderr } = await sandbox.run(onMonitor(...words));
  if (status !== 0) throw new Error(`pgaf ${words.join(' ')} ended with ${status}:\n${stderr}`);
}

async function states(): Promise<string> {
  const { rows } = await client.query<{ state: string }>(
    `SELECT format('%s %s %s', nodename, current_group_state, assigned_group_state) AS state
       FROM pgautofailover.current_state()`,
  );
  return rows.map(({ state }) => state).join('\n');
}

async function untilStates(...wanted: string[]): Promise<void> {
  let seen = '';
  const all = wanted.map((state, index) => `${NAMES[index]} ${state} ${state}`).join('\n');
  await waitFor(
    all,
    async () => (seen = await states()) === all,
    60_000,
    () => seen,
  );
}

async function start(kind: string, folder: string, ...more: readonly string[]): Promise<void> {
  const place = ['--pgdata', sandbox.path(folder), '--hostname', '127.0.0.1', ...OPEN];
  services.set(folder, sandbox.start(['create', kind, ...place, ...more, '--run']));
}

beforeAll(async () => {
  const port = await freePort();
  monitorUri = `postgres://autoctl_node@127.0.0.1:${port}/pg_auto_failover?sslmode=prefer`;
  await start('monitor', 'monitor', '--pgport', String(port));
  await waitFor('the monitor', async () => (await sandbox.run(onMonitor('show', 'state'))).status === 0);
  client = await connect(parseConnInfo(monitorUri), { connectTimeoutMs: 5000 });
  for (const [index, name] of NAMES.entries()) {
    await start('postgres', name, '--pgport', String(await freePort()), ...onMonitor('--name', name));
    await untilStates(
      ...(index === 0 ? ['single'] : ['primary', ...NAMES.slice(1, index + 1).map(() => 'secondary')]),
    );
  }
}, 300_000);

afterAll(async () => {
  await client?.end();
  await sandbox.dispose();
});

describe('three nodes at rest', () => {
  const cases: readonly BadInput[] = [
    {
      what: 'more synchronous standbys than the quorum carries',
      args: () => onMonitor('set', 'formation', 'number-sync-standbys', '2'),
      status: 6,
      message: /cannot carry number_sync_standbys 2\. At least 3 standbys/,
      hint: /replication-quorum/,
    },
    {
      what: 'a node out of a quorum that needs it',
      args: () => onMonitor('set', 'node', 'replication-quorum', 'false', '--name', 'second'),
      status: 6,
      message: /cannot carry number_sync_standbys 1/,
      hint: /lower the number/,
    },
    {
      what: 'a priority outside of 0 to 100',
      args: () => onMonitor('set', 'node', 'candidate-priority', '101', '--name', 'second'),
      status: 1,
      message: /from 0 to 100/,
      hint: /candidate-priority/,
    },
    {
      what: 'a promotion of nobody',
      args: () => onMonitor('perform', 'promotion', '--name', 'nobody'),
      status: 1,
      message: /no node named "nobody"/,
      hint: /show state/,
    },
    {
      what: 'a maintenance of the primary that does not say that another one shall take over',
      args: () => onMonitor('enable', 'maintenance', '--name', 'first'),
      status: 1,
      message: /^"first" is the primary\.$/,
      hint: /--allow-failover/,
    },
    {
      what: 'the end of a maintenance that is none',
      args: () => onMonitor('disable', 'maintenance', '--name', 'second'),
      status: 6,
      message: /cannot end a maintenance of node 2/,
      hint: /in none/,
    },
    {
      what: 'a removal by force of a primary that takes writes',
      args: () => onMonitor('drop', 'node', '--name', 'first', '--force'),
      status: 6,
      message: /by force: it takes writes/,
      hint: /stop it first/,
    },
    {
      what: 'a timeline that nobody is on',
      args: () => onMonitor('accept', 'timeline', '--tli', '9'),
      status: 6,
      message: /no node of group 0 is on timeline 9/,
      hint: /show timeline/,
    },
    {
      what: 'no standbys where there are some',
      args: () => onMonitor('disable', 'secondary'),
      status: 6,
      message: /formation "default" has standbys/,
      hint: /drop node/,
    },
    {
      what: 'a formation to drop that has nodes',
      args: () => onMonitor('drop', 'formation', '--formation', 'default'),
      status: 6,
      message: /formation "default" has nodes/,
      hint: /drop node/,
    },
  ];
  describeBadInput(sandbox, cases, unchanged);
});

describe('no standby that may take over', () => {
  beforeAll(async () => {
    await order('enable', 'maintenance', '--name', 'second');
    await order('set', 'node', 'candidate-priority', '0', '--name', 'third');
    await untilStates('primary', 'maintenance', 'secondary');
  }, 90_000);

  const cases: readonly BadInput[] = [
    {
      what: 'a failover',
      args: () => onMonitor('perform', 'failover'),
      status: 6,
      message: /no standby of group 0 of formation "default" can take over/,
      hint: /candidate priority above 0/,
    },
    {
      what: 'a failover at any price, while the primary is well',
      args: () => onMonitor('perform', 'failover', '--allow-data-loss'),
      status: 6,
      message: /it is healthy/,
      hint: /--allow-data-loss/,
    },
    {
      what: 'a promotion of the one in maintenance',
      args: () => onMonitor('perform', 'promotion', '--name', 'second'),
      status: 6,
      message: /cannot promote node 2 "second" .*reports maintenance/,
      hint: /secondary/,
    },
    {
      what: 'a promotion of the one with priority 0',
      args: () => onMonitor('perform', 'promotion', '--name', 'third'),
      status: 6,
      message: /cannot promote node 3 "third" .*candidate priority 0/,
      hint: /above 0/,
    },
    {
      what: 'a maintenance of the primary as well',
      args: () => onMonitor('enable', 'maintenance', '--allow-failover', '--name', 'first'),
      status: 6,
      message: /no standby .* can take over/,
      hint: /above 0/,
    },
    {
      what: 'a removal of the primary',
      args: () => onMonitor('drop', 'node', '--name', 'first'),
      status: 6,
      message: /nobody can take over from it/,
      hint: /--force/,
    },
  ];
  describeBadInput(sandbox, cases, unchanged);
});

describe('a switchover that is under way', () => {
  beforeAll(async () => {
    await order('disable', 'maintenance', '--name', 'second');
    await untilStates('primary', 'secondary', 'secondary');
    // Its keeper hears of no order, and nobody fails it over for that.
    await order('pause', '--name', 'first');
    services.get('first')?.kill('SIGSTOP');
    await order('perform', 'failover', '--wait', '0');
  }, 90_000);
  afterAll(() => {
    services.get('first')?.kill('SIGCONT');
  });

  const cases: readonly BadInput[] = [
    {
      what: 'another one',
      args: () => onMonitor('perform', 'switchover'),
      status: 6,
      message: /no primary in a stable state.*assigned draining/,
      hint: /show state/,
    },
    {
      what: 'a promotion',
      args: () => onMonitor('perform', 'promotion', '--name', 'second'),
      status: 6,
      message: /no primary in a stable state/,
      hint: /show state/,
    },
    {
      what: 'a maintenance',
      args: () => onMonitor('enable', 'maintenance', '--name', 'second'),
      status: 6,
      message: /has no primary now/,
      hint: /show state/,
    },
    {
      what: 'another number of synchronous standbys',
      args: () => onMonitor('set', 'formation', 'number-sync-standbys', '0'),
      status: 6,
      message: /has no primary now/,
      hint: /show state/,
    },
  ];
  describeBadInput(sandbox, cases, unchanged);
});
