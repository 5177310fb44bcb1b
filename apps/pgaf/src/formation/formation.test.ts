import { freePort } from '@pgaf/core/testing/free-ports';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeBadInput, type BadInput } from '../testing/bad-input.js';
import { errorsOf, Sandbox, waitFor } from '../testing/run-pgaf.js';
import { OPEN, startSingleNode, type SingleNode } from '../testing/single-node.js';

const sandbox = new Sandbox();
let there: SingleNode;

beforeAll(async () => {
  there = await startSingleNode(sandbox);
}, 90_000);

afterAll(() => sandbox.dispose());

const onMonitor = (...words: string[]): string[] => [...words, '--monitor', there.monitorUri];

const cases: readonly BadInput[] = [
  {
    what: 'a formation without a name',
    args: () => onMonitor('create', 'formation', '--kind', 'pgsql'),
    status: 1,
    message: /^--formation is missing\.$/,
    hint: /name/,
  },
  {
    what: 'a formation without a kind',
    args: () => onMonitor('create', 'formation', '--formation', 'app'),
    status: 1,
    message: /^--kind is missing\.$/,
    hint: /pgsql/,
  },
  {
    what: 'a formation of a kind that nobody knows',
    args: () => onMonitor('create', 'formation', '--formation', 'app', '--kind', 'graph'),
    status: 1,
    message: /^There is no kind of formation "graph"\.$/,
    hint: /pgsql/,
  },
  {
    what: 'a formation by the name of the monitor',
    args: () => onMonitor('create', 'formation', '--formation', 'monitor', '--kind', 'pgsql'),
    status: 1,
    message: /^--formation: "monitor" is the word for the monitor/,
    hint: /--formation/,
  },
  ...['a b', "o'brien", '"x"', '-x', 'x'.repeat(64)].map((name): BadInput => ({
    what: `a formation by the name of ${name}`,
    args: () => onMonitor('create', 'formation', `--formation=${name}`, '--kind', 'pgsql'),
    status: 1,
    message: /^--formation: ".*" (may have letters|is longer than 63)/,
    hint: /--formation/,
  })),
  {
    what: 'a formation for a database whose name Postgres would cut',
    args: () =>
      onMonitor('create', 'formation', '--formation', 'app', '--kind', 'pgsql', '--dbname', 'x'.repeat(64)),
    status: 1,
    message: /^--dbname: "x+" is longer than 63 bytes\.$/,
    hint: /--dbname/,
  },
  {
    what: 'a formation with standbys and without',
    args: () => onMonitor('create', 'formation', '--formation', 'app', '--kind', 'pgsql', '-s', '-S'),
    status: 1,
    message: /exclude each other/,
    hint: /./,
  },
  {
    what: 'a formation that is there',
    args: () => onMonitor('create', 'formation', '--formation', 'default', '--kind', 'pgsql'),
    status: 6,
    message: /formation "default" exists already/,
    hint: /another name/,
  },
  {
    what: 'a formation to drop that has nodes',
    args: () => onMonitor('drop', 'formation', '--formation', 'default'),
    status: 6,
    message: /formation "default" has nodes\. It has 1 node/,
    hint: /drop node/,
  },
  {
    what: 'a formation to drop that is not there',
    args: () => onMonitor('drop', 'formation', '--formation', 'app'),
    status: 1,
    message: /^There is no formation "app"\.$/,
    hint: /show uri/,
  },
  {
    what: 'standbys of a formation that is not there',
    args: () => onMonitor('disable', 'secondary', '--formation', 'app'),
    status: 1,
    message: /^There is no formation "app"\.$/,
    hint: /show uri/,
  },
];

describeBadInput(sandbox, cases);

it('a second formation has nodes, settings and an end of its own', async () => {
  const run = async (...words: string[]): Promise<string> => {
    const ended = await sandbox.run(onMonitor(...words));
    expect(ended, ended.stderr).toMatchObject({ status: 0 });
    return ended.stdout;
  };
  await run(
    'create',
    'formation',
    '--formation',
    'app',
    '--kind',
    'pgsql',
    '--dbname',
    'app',
    '--disable-secondary',
  );
  const place = [
    '--pgdata',
    sandbox.path('first-app'),
    '--pgport',
    String(await freePort()),
    '--hostname',
    '127.0.0.1',
  ];
  sandbox.start([
    ...['create', 'postgres', ...place, ...OPEN, '--name', 'first', '--formation', 'app', '--dbname', 'app'],
    ...['--monitor', there.monitorUri, '--run'],
  ]);
  await waitFor('a single node', async () =>
    / single \|\s+single/.test(await run('show', 'state', '--formation', 'app')),
  );
  expect(await run('show', 'uri', '--formation', 'app')).toMatch(/\/app\?target_session_attrs=read-write/);
  await run('set', 'node', 'candidate-priority', '80', '--formation', 'app', '--name', 'first');
  expect(await run('get', 'node', 'candidate-priority', '--formation', 'app', '--name', 'first')).toBe(
    '80\n',
  );
  expect(await run('get', 'node', 'candidate-priority', '--name', 'first')).toBe('50\n');

  const refused = await sandbox.run([
    ...['create', 'postgres', '--pgdata', sandbox.path('second-app'), '--pgport', String(await freePort())],
    ...[
      '--hostname',
      '127.0.0.1',
      ...OPEN,
      '--formation',
      'app',
      '--dbname',
      'app',
      '--monitor',
      there.monitorUri,
    ],
  ]);
  expect(refused.status).not.toBe(0);
  expect(
    errorsOf(refused.stderr)
      .map(({ msg, hint }) => `${msg} ${hint ?? ''}`)
      .join(),
  ).toContain('enable secondary');
  await run('enable', 'secondary', '--formation', 'app');
  await run('disable', 'secondary', '--formation', 'app');

  const drop = ['drop', 'node', '--formation', 'app', '--name', 'first', '--no-wait'];
  const ordered = await sandbox.run(onMonitor(...drop));
  expect(ordered).toMatchObject({ status: 0, stderr: expect.stringContaining('until it is gone') as string });
  expect(ordered.stderr).not.toContain('is dropped');
  await waitFor('its end', async () => !(await run('show', 'state', '--formation', 'app')).includes('first'));
  await run('drop', 'formation', '--formation', 'app');
  expect(await run('show', 'uri')).not.toContain('app');
  expect(await run('show', 'state')).toMatch(/first .* single/);
}, 120_000);
