import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeBadInput, type BadInput } from '../testing/bad-input.js';
import { Sandbox, waitFor } from '../testing/run-pgaf.js';
import { startSingleNode, type SingleNode } from '../testing/single-node.js';

const sandbox = new Sandbox();
let there: SingleNode;

beforeAll(async () => {
  there = await startSingleNode(sandbox);
}, 90_000);

afterAll(() => sandbox.dispose());

const onMonitor = (...words: string[]): string[] => [...words, '--monitor', there.monitorUri];
const onNode = (...words: string[]): string[] => [...words, '--pgdata', sandbox.path('first')];

const cases: readonly BadInput[] = [
  {
    what: 'a priority above 100',
    args: () => onNode('set', 'node', 'candidate-priority', '101'),
    status: 1,
    message: /^candidate-priority is "101", which must be a whole number from 0 to 100\.$/,
    hint: /candidate-priority/,
  },
  {
    what: 'a priority that is a word',
    args: () => onNode('set', 'node', 'candidate-priority', 'high'),
    status: 1,
    message: /^candidate-priority is "high"/,
    hint: /./,
  },
  {
    what: 'a priority that is left out',
    args: () => onNode('set', 'node', 'candidate-priority'),
    status: 1,
    message: /^Expected the priority after the command\.$/,
    hint: /./,
  },
  {
    what: 'two priorities',
    args: () => onNode('set', 'node', 'candidate-priority', '1', '2'),
    status: 1,
    message: /^Unexpected argument "2"\.$/,
    hint: /./,
  },
  {
    what: 'a quorum that is a number of standbys',
    args: () => onNode('set', 'node', 'replication-quorum', '3'),
    status: 1,
    message: /^replication-quorum is "3", which must be true or false\.$/,
    hint: /./,
  },
  {
    what: 'a region without a name',
    args: () => onNode('set', 'node', 'region', ''),
    status: 1,
    message: /^region is empty\.$/,
    hint: /./,
  },
  ...['x'.repeat(64), 'a\nb'].map((region): BadInput => ({
    what: `a region called ${JSON.stringify(region)}`,
    args: () => onNode('set', 'node', 'region', region),
    status: 1,
    message: /^region: ".*" (is longer than 63 characters|has a control character)\.$/,
    hint: /region/,
  })),
  {
    what: 'a node that the formation does not have',
    args: () => onMonitor('set', 'node', 'candidate-priority', '1', '--name', 'nobody'),
    status: 1,
    message: /^The formation "default" has no node named "nobody"\.$/,
    hint: /show state/,
  },
  {
    what: 'a setting of nobody',
    args: () => onMonitor('get', 'node', 'candidate-priority'),
    status: 1,
    message: /^It is not said which node\.$/,
    hint: /--name/,
  },
  {
    what: 'a node of a formation that does not exist',
    args: () => onMonitor('get', 'node', 'region', '--name', 'first', '--formation', 'nope'),
    status: 1,
    message: /^There is no formation "nope"\.$/,
    hint: /show uri/,
  },
  {
    what: 'more synchronous standbys than the quorum carries',
    args: () => onMonitor('set', 'formation', 'number-sync-standbys', '1'),
    status: 6,
    message: /cannot carry number_sync_standbys 1\. At least 2 standbys/,
    hint: /replication-quorum/,
  },
  {
    what: 'fewer synchronous standbys than none',
    args: () => [...onMonitor('set', 'formation', 'number-sync-standbys'), '--', '-1'],
    status: 1,
    message: /^number-sync-standbys is "-1"/,
    hint: /./,
  },
  {
    what: 'a partition policy that there is not',
    args: () => onMonitor('set', 'formation', 'partition-policy', 'consistency'),
    status: 1,
    message: /^partition-policy is "consistency", which must be availability or durability\.$/,
    hint: /partition-policy/,
  },
  {
    what: 'settings of a formation that does not exist',
    args: () => onMonitor('show', 'settings', '--formation', 'nope'),
    status: 1,
    message: /^There is no formation "nope"\.$/,
    hint: /show uri/,
  },
  {
    what: 'standby names of a group that does not exist',
    args: () => onMonitor('show', 'standby-names', '--group', '3'),
    status: 1,
    message: /^There is no group 3 in the formation "default"\.$/,
    hint: /group 0 only/,
  },
  {
    what: 'metadata that are not said',
    args: () => onNode('set', 'node', 'metadata'),
    status: 1,
    message: /^It is not said what to change\.$/,
    hint: /--hostname/,
  },
  {
    what: 'metadata of a monitor',
    args: () => ['set', 'node', 'metadata', '--name', 'x', '--pgdata', sandbox.path('monitor')],
    status: 3,
    message: /is a monitor, and no node/,
    hint: /--pgdata of a node/,
  },
  {
    what: 'another port of a node that runs',
    args: () => onNode('set', 'node', 'metadata', '--pgport', '1234'),
    status: 3,
    message: /is running on port/,
    hint: /Stop it/,
  },
  {
    what: 'a timeline to accept that is not said',
    args: () => onMonitor('accept', 'timeline'),
    status: 1,
    message: /^--tli is missing\.$/,
    hint: /show timeline/,
  },
  {
    what: 'a timeline to accept that nobody is on',
    args: () => onMonitor('accept', 'timeline', '--tli', '9'),
    status: 6,
    message: /no node of group 0 is on timeline 9/,
    hint: /show timeline/,
  },
  {
    what: 'a maintenance of the only node',
    args: () => onNode('enable', 'maintenance'),
    status: 1,
    message: /^"first" is the primary\.$/,
    hint: /--allow-failover/,
  },
  {
    what: 'a maintenance of the only node, whatever it takes',
    args: () => onNode('enable', 'maintenance', '--allow-failover'),
    status: 6,
    message: /cannot begin a maintenance of node 1/,
    hint: /standby/,
  },
  {
    what: 'the end of a maintenance that is none',
    args: () => onNode('disable', 'maintenance'),
    status: 6,
    message: /cannot end a maintenance of node 1/,
    hint: /in none/,
  },
  {
    what: 'a promotion of a node that is not there',
    args: () => onMonitor('perform', 'promotion', '--name', 'nobody'),
    status: 1,
    message: /no node named "nobody"/,
    hint: /show state/,
  },
  {
    what: 'a promotion of nobody',
    args: () => onMonitor('perform', 'promotion'),
    status: 1,
    message: /^It is not said which node\.$/,
    hint: /--name/,
  },
];

describeBadInput(sandbox, cases);

describe('what is set is what is got', () => {
  const value = async (...words: string[]): Promise<unknown> => {
    const ended = await sandbox.run(words);
    expect(ended, ended.stderr).toMatchObject({ status: 0 });
    return words.includes('--json') ? JSON.parse(ended.stdout) : ended.stdout;
  };

  it('of a priority', async () => {
    expect(await value(...onNode('get', 'node', 'candidate-priority'))).toBe('50\n');
    expect(await value(...onNode('set', 'node', 'candidate-priority', '70'))).toBe('70\n');
    expect(
      await value(...onMonitor('set', 'node', 'candidate-priority', '60', '--name', 'first', '--json')),
    ).toEqual({ 'candidate-priority': 60 });
    expect(await value(...onNode('get', 'node', 'candidate-priority', '--json'))).toEqual({
      name: 'first',
      'candidate-priority': 60,
    });
  });

  it('of the quorum and the region', async () => {
    expect(await value(...onNode('set', 'node', 'replication-quorum', 'no'))).toBe('false\n');
    expect(await value(...onNode('get', 'node', 'replication-quorum', '--json'))).toEqual({
      name: 'first',
      'replication-quorum': false,
    });
    expect(await value(...onNode('set', 'node', 'replication-quorum', 'true'))).toBe('true\n');
    expect(await value(...onNode('set', 'node', 'region', 'paris'))).toBe('paris\n');
    expect(await value(...onNode('get', 'node', 'region', '--json'))).toEqual({
      name: 'first',
      region: 'paris',
    });
  });

  it('of the number of synchronous standbys', async () => {
    expect(await value(...onMonitor('get', 'formation', 'number-sync-standbys'))).toBe('0\n');
    expect(await value(...onMonitor('set', 'formation', 'number-sync-standbys', '0', '--json'))).toEqual({
      'number-sync-standbys': 0,
      synchronous_standby_names: '',
    });
    expect(await value(...onMonitor('show', 'standby-names'))).toBe(`''\n`);
    expect(await value(...onMonitor('show', 'standby-names', '--json'))).toEqual({
      formation: 'default',
      group: 0,
      synchronous_standby_names: '',
    });
  });

  it('of the partition policy', async () => {
    expect(await value(...onMonitor('get', 'formation', 'partition-policy'))).toBe('availability\n');
    expect(await value(...onMonitor('set', 'formation', 'partition-policy', 'durability'))).toBe(
      'durability\n',
    );
    expect(await value(...onMonitor('get', 'formation', 'partition-policy', '--json'))).toEqual({
      'partition-policy': 'durability',
    });
    await value(...onMonitor('set', 'formation', 'partition-policy', 'availability'));
  });

  it('in one table', async () => {
    expect(await value(...onMonitor('get', 'formation', 'settings'))).toBe(
      [
        '  Context |    Name |                   Setting | Value',
        '----------+---------+---------------------------+-------------',
        'formation | default |      number_sync_standbys | 0',
        'formation | default |          partition_policy | availability',
        "  primary |   first | synchronous_standby_names | ''",
        '     node |   first |        replication quorum | true',
        '     node |   first |        candidate priority | 60',
        '',
        '',
      ].join('\n'),
    );
    expect(await value(...onMonitor('show', 'settings', '--json'))).toMatchObject({
      formation: [
        { context: 'formation', nodename: 'default', setting: 'number_sync_standbys', value: '0' },
        { setting: 'partition_policy', value: 'availability' },
      ],
      primary: [{ context: 'primary', group_id: 0, node_id: 1, value: "''" }],
      nodes: [{ setting: 'replication quorum' }, { setting: 'candidate priority' }],
    });
  });

  it('of a name, which the running service takes over', async () => {
    expect(await value(...onNode('get', 'node', 'metadata'))).toBe(`first 127.0.0.1:${there.nodePort}\n`);
    expect(await value(...onNode('set', 'node', 'metadata', '--name', 'renamed'))).toBe(
      `renamed 127.0.0.1:${there.nodePort}\n`,
    );
    await waitFor('the keeper to know', async () => {
      const { stdout } = await sandbox.run(onNode('show', 'file', '--state', '--contents'));
      return stdout.includes('renamed');
    });
    expect(await value(...onNode('get', 'node', 'metadata', '--json'))).toMatchObject({ name: 'renamed' });
    await value(...onNode('set', 'node', 'metadata', '--name', 'first'));
  });
});

it('a promotion of the primary is none, and no error', async () => {
  const ended = await sandbox.run(onNode('perform', 'promotion'));
  expect(ended, ended.stderr).toMatchObject({ status: 0, stdout: '' });
  expect(ended.stderr).toContain('node "first" is the primary already');
});
