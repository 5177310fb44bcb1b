import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { CORE_COMMAND_NAMES } from './core-commands.js';
import { describeBadInput, type BadInput } from './testing/bad-input.js';
import { BIN, Sandbox } from './testing/run-pgaf.js';

const sandbox = new Sandbox();
afterAll(() => sandbox.dispose());

it('says that its output has no room, and is no bug', () => {
  const { status, stderr } = spawnSync('sh', ['-c', '"$0" "$1" version >/dev/full', process.execPath, BIN], {
    encoding: 'utf8',
  });
  expect(status).toBe(12);
  expect(stderr).toMatch(/ERROR The output of this command cannot be written\.\n.*no space left/);
  expect(stderr).not.toContain('report this');
});

const cases: readonly BadInput[] = [
  {
    what: 'an unknown option',
    args: () => ['create', 'monitor', '--no-such-option'],
    status: 1,
    message: /^Unknown option --no-such-option\.$/,
    hint: /listed above/,
  },
  {
    what: 'an unknown command',
    args: () => ['show', 'nonsense'],
    status: 1,
    message: /no command "show nonsense"/,
    hint: /--help/,
  },
  {
    what: 'a command without the rest of its words',
    args: () => ['create'],
    status: 1,
    message: /Expected a command after "create"/,
    hint: /pgaf create monitor/,
  },
  {
    what: 'a command that is mistyped',
    args: () => ['crate', 'monitor'],
    status: 1,
    message: /no command "crate monitor"/,
    hint: /^Did you mean: pgaf create monitor\?$/,
  },
  {
    what: 'a command without its first word',
    args: () => ['switchover'],
    status: 1,
    message: /no command "switchover"/,
    hint: /^Did you mean: pgaf perform switchover\?$/,
  },
  {
    what: 'an option before the command',
    args: () => ['--pgdata', sandbox.path('monitor'), 'show', 'state'],
    status: 1,
    message: /Expected a command before "--pgdata"/,
    hint: /behind the command/,
  },
  {
    what: 'an option that is mistyped',
    args: () => ['show', 'state', '--formaton', 'default'],
    status: 1,
    message: /^Unknown option --formaton\.$/,
    hint: /^Did you mean --formation\?$/,
  },
  {
    what: 'an option given twice',
    args: () => ['show', 'state', '--monitor', 'a', '--monitor', 'b'],
    status: 1,
    message: /^--monitor is given twice\.$/,
    hint: /./,
  },
  {
    what: 'an argument too many',
    args: () => ['show', 'state', 'default'],
    status: 1,
    message: /^Unexpected argument "default"\.$/,
    hint: /./,
  },
  {
    what: 'an option without its value',
    args: () => ['show', 'state', '--monitor'],
    status: 1,
    message: /^--monitor expects a value\.$/,
    hint: /./,
  },
  {
    what: 'a number that is none',
    args: () => ['perform', 'switchover', '--wait', 'abc'],
    status: 1,
    message: /^--wait is "abc", which must be a whole number( from 0)?\.$/,
    hint: /./,
  },
  {
    what: 'a number below the least',
    args: () => ['show', 'events', '--count', '0'],
    status: 1,
    message: /^--count is "0", which must be a whole number from 1\.$/,
    hint: /./,
  },
  {
    what: 'an empty formation',
    args: () => ['show', 'state', '--formation', ''],
    status: 1,
    message: /^--formation is empty\.$/,
    hint: /^Give --formation a value, or leave it out\.$/,
  },
  {
    what: 'an empty name of a node to create',
    args: () => ['create', 'postgres', '--name=', '--pgdata', sandbox.path('new')],
    status: 1,
    message: /^--name is empty\.$/,
    hint: /leave it out/,
  },
  {
    what: 'an empty name of a node to drop',
    args: () => ['drop', 'node', '--name', ''],
    status: 1,
    message: /^--name is empty\.$/,
    hint: /leave it out/,
  },
];

describeBadInput(sandbox, cases);

describe('what every command answers', () => {
  it('prints help on stderr and ends well, whichever it is', { timeout: 120_000 }, async () => {
    const commands = [...CORE_COMMAND_NAMES].map((name) => [...name.split(' '), '--help']);
    for (const args of [['--help'], ['show', '--help'], ['create', 'postgres', '-h'], ...commands]) {
      const ended = await sandbox.run(args);
      expect(ended, args.join(' ')).toMatchObject({ status: 0, stdout: '' });
      expect(ended.stderr).toContain('USAGE');
    }
  });

  it('tells what a topic below a topic is for', async () => {
    expect((await sandbox.run(['set', '--help'])).stderr).toMatch(/set node +Change a setting of a node\n/);
  });

  it('prints help for a bad flag', async () => {
    const ended = await sandbox.run(['show', 'state', '--bad']);
    expect(ended.stderr).toContain('pgaf show state');
  });

  it('prints its version, by the name that it was called', async () => {
    expect((await sandbox.run(['--version'])).stdout).toMatch(/^pgaf version \d+\.\d+\.\d+\n$/);
    const link = sandbox.path('pg_autoctl');
    symlinkSync(BIN, link);
    expect((await sandbox.run(['-V'], {}, link)).stdout).toMatch(/^pg_autoctl version /);
    expect(JSON.parse((await sandbox.run(['version', '--json'])).stdout)).toMatchObject({
      pg_autoctl: expect.any(String),
      plugins: expect.arrayContaining([expect.objectContaining({ kind: 'pgsql' })]),
    });
  });
});
