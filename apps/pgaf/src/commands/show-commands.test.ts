import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeBadInput, type BadInput } from '../testing/bad-input.js';
import { errorsOf, Sandbox, waitFor } from '../testing/run-pgaf.js';
import { SilentServer } from '../testing/silent-server.js';
import { startSingleNode, type SingleNode } from '../testing/single-node.js';

const sandbox = new Sandbox();
let there: SingleNode;

beforeAll(async () => {
  sandbox.folder('occupied');
  sandbox.file('letter', 'dear reader');
  there = await startSingleNode(sandbox);
}, 90_000);

afterAll(() => sandbox.dispose());

const postgresUri = () => `postgres://postgres@127.0.0.1:${there.nodePort}/postgres`;

const cases: readonly BadInput[] = [
  {
    what: 'nobody to ask for a monitor',
    args: () => ['show', 'state'],
    status: 1,
    message: /which monitor/,
    hint: /--monitor/,
  },
  {
    what: 'an empty monitor',
    args: () => ['show', 'state', '--monitor', ''],
    status: 1,
    message: /^--monitor is empty\.$/,
    hint: /show uri/,
  },
  {
    what: 'a user that the monitor does not know',
    args: () => ['show', 'state', '--monitor', there.monitorUri.replace('autoctl_node', 'nobody_here')],
    status: 6,
    message: /no pg_hba\.conf entry for .*"nobody_here"/,
    hint: /Correct user and database/,
  },
  {
    what: 'a formation that does not exist',
    args: () => ['show', 'state', '--monitor', there.monitorUri, '--formation', 'nope'],
    status: 1,
    message: /^There is no formation "nope"\.$/,
    hint: /show uri/,
  },
  {
    what: 'events of a formation that does not exist',
    args: () => ['show', 'events', '--json', '--monitor', there.monitorUri, '--formation', 'nope'],
    status: 1,
    message: /^There is no formation "nope"\.$/,
    hint: /show uri/,
  },
  {
    what: 'a group that does not exist',
    args: () => ['show', 'state', '--monitor', there.monitorUri, '--group', '7'],
    status: 1,
    message: /^There is no group 7 in the formation "default"\.$/,
    hint: /^It has group 0 only\.$/,
  },
  {
    what: 'events of a group that does not exist',
    args: () => ['show', 'events', '--json', '--monitor', there.monitorUri, '--group', '99999999999'],
    status: 1,
    message: /^There is no group 99999999999 in the formation "default"\.$/,
    hint: /^It has group 0 only\.$/,
  },
  {
    what: 'two files to show',
    args: () => ['show', 'file', '--pgdata', sandbox.path('first'), '-c', '--pid'],
    status: 1,
    message: /^--config and --pid exclude each other\.$/,
    hint: /Give one of them/,
  },
  {
    what: 'all files to show, and one',
    args: () => ['show', 'file', '--pgdata', sandbox.path('first'), '--all', '--state'],
    status: 1,
    message: /^--all and --state exclude each other\.$/,
    hint: /Give one of them/,
  },
  {
    what: 'the contents of no file',
    args: () => ['show', 'file', '--pgdata', sandbox.path('first'), '--contents'],
    status: 1,
    message: /--contents prints one file/,
    hint: /--config/,
  },
  {
    what: 'the state file of a monitor',
    args: () => ['show', 'file', '--pgdata', sandbox.path('monitor'), '--state'],
    status: 1,
    message: /^A monitor has no state file\.$/,
    hint: /--config, --pid/,
  },
  {
    what: 'the init file of a node that is whole',
    args: () => ['show', 'file', '--pgdata', sandbox.path('first'), '--init'],
    status: 3,
    message: /^There is no .*pg_autoctl\.init\.$/,
    hint: /creation is unfinished/,
  },
  {
    what: 'files of a directory that is not ours',
    args: () => ['show', 'file', '--pgdata', sandbox.path('occupied')],
    status: 2,
    message: /is not the data directory of a node/,
    hint: /pgaf create/,
  },
  {
    what: 'a unit for a directory that is not ours',
    args: () => ['show', 'systemd', '--pgdata', sandbox.path('occupied')],
    status: 2,
    message: /is not the data directory of a node/,
    hint: /pgaf create/,
  },
  {
    what: 'a Postgres that is no monitor, asked for states',
    args: () => ['show', 'state', '--monitor', postgresUri()],
    status: 6,
    message: /not the one of a monitor/,
    hint: /show uri --formation monitor/,
  },
  {
    what: 'JSON in a terminal',
    args: () => ['show', 'state', '--json', '--watch', '--monitor', there.monitorUri],
    status: 1,
    message: /^--json and --watch exclude each other\.$/,
    hint: /Leave one/,
  },
  {
    what: 'what a node knows, in a terminal',
    args: () => ['show', 'state', '--local', '--watch', '--pgdata', sandbox.path('first')],
    status: 1,
    message: /^--local and --watch exclude each other\.$/,
    hint: /Leave one/,
  },
  {
    what: 'events as JSON in a terminal',
    args: () => ['show', 'events', '--json', '--watch', '--monitor', there.monitorUri],
    status: 1,
    message: /^--json and --watch exclude each other\.$/,
    hint: /Leave one/,
  },
  {
    what: 'states in a terminal that is none',
    args: () => ['show', 'state', '--watch', '--monitor', there.monitorUri],
    status: 1,
    message: /^This needs a terminal/,
    hint: /show state/,
  },
  {
    what: 'what a node knows, from a monitor',
    args: () => ['show', 'state', '--local', '--monitor', there.monitorUri],
    status: 1,
    message: /^--local and --monitor exclude each other\.$/,
    hint: /Leave one/,
  },
  {
    what: 'what a monitor knows of itself',
    args: () => ['show', 'state', '--local', '--pgdata', sandbox.path('monitor')],
    status: 1,
    message: /^A monitor has no state of its own\.$/,
    hint: /leave --local out/,
  },
  {
    what: 'more events than can be',
    args: () => ['show', 'events', '--count', '99999999999999999999', '--monitor', there.monitorUri],
    status: 1,
    message: /^--count is \"99999999999999999999\", which must be a whole number up to 1000000\.$/,
    hint: /./,
  },
  {
    what: 'a host that is not known',
    args: () => [
      'show',
      'state',
      '--monitor',
      'postgres://autoctl_node@no-such-host.invalid/pg_auto_failover',
    ],
    status: 6,
    message: /no-such-host\.invalid:5432: the host name is not known/,
    hint: /Correct the host name/,
  },
  {
    what: 'a port that is none',
    args: () => ['show', 'state', '--monitor', 'postgres://autoctl_node@127.0.0.1:99999/pg_auto_failover'],
    status: 1,
    message: /^--monitor: .*the port \"99999\" is not a number from 1 to 65535\.$/,
    hint: /libpq/,
  },
  {
    what: 'a data directory that is a file',
    args: () => ['show', 'state', '--pgdata', sandbox.path('letter')],
    status: 2,
    message: /^\".*letter\" is not a directory\.$/,
    hint: /--pgdata/,
  },
];

describeBadInput(sandbox, cases);

it('names the variable that a wrong connection string stands in', async () => {
  const ended = await sandbox.run(['show', 'state'], { PG_AUTOCTL_MONITOR: 'junk' });
  expect(errorsOf(ended.stderr)[0]?.msg).toMatch(/^PG_AUTOCTL_MONITOR: The connection string is not valid/);
});

it('gives up on a silent monitor within its connect timeout', async () => {
  const silent = await SilentServer.start();
  const ended = await sandbox.run([
    'show',
    'state',
    '--monitor',
    `postgres://autoctl_node@127.0.0.1:${silent.port}/pg_auto_failover`,
  ]);
  silent.close();
  expect(ended.status).toBe(6);
  expect(ended.ms).toBeLessThan(10_000);
});

it('prints what a node knows of itself, also while nobody else can be asked', async () => {
  const args = ['show', 'state', '--local', '--pgdata', sandbox.path('first')];
  const table = await sandbox.run(args);
  expect(table).toMatchObject({ status: 0, stderr: '' });
  expect(table.stdout).toMatch(
    new RegExp(
      `first \\| +1 \\| 127\\.0\\.0\\.1:${there.nodePort} \\| +1: [0-9A-F]+/[0-9A-F]+ \\| +read-write \\| +single \\| +single\\n`,
    ),
  );
  expect(JSON.parse((await sandbox.run([...args, '--json'])).stdout)).toEqual({
    node_id: 1,
    group_id: 0,
    nodename: 'first',
    nodehost: '127.0.0.1',
    nodeport: there.nodePort,
    current_group_state: 'single',
    assigned_group_state: 'single',
    timeline: 1,
    // A primary has none of its own.
    'Minimum Recovery Ending LSN': expect.stringMatching(/^0\/[1-9A-F][0-9A-F]+$/),
    reachable: 'yes',
    conntype: 'read-write',
    waiting: null,
  });
  await sandbox.run(['stop', '--immediate', '--pgdata', sandbox.path('first')]);
  await waitFor('a Postgres that is known to be down', async () => {
    const { stdout } = await sandbox.run([...args, '--json']);
    return (JSON.parse(stdout) as { reachable: string }).reachable === 'no';
  });
}, 60_000);
