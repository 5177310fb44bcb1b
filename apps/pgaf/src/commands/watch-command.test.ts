import { afterAll } from 'vitest';
import { describeBadInput, type BadInput } from '../testing/bad-input.js';
import { Sandbox } from '../testing/run-pgaf.js';

const sandbox = new Sandbox();
afterAll(() => sandbox.dispose());

const monitor = ['--monitor', 'postgres://autoctl_node@127.0.0.1:1/pg_auto_failover'];

const cases: readonly BadInput[] = [
  {
    what: 'a pipe in the place of a terminal',
    args: () => ['watch', ...monitor],
    status: 1,
    message: /^This needs a terminal, and its output goes elsewhere\.$/,
    hint: /`pgaf show state`/,
  },
  {
    what: 'a group that is none',
    args: () => ['watch', ...monitor, '--group', '-1'],
    status: 1,
    message: /^--group is "-1", which must be a whole number from 0\.$/,
    hint: /./,
  },
  {
    what: 'JSON',
    args: () => ['watch', ...monitor, '--json'],
    status: 1,
    message: /^Unknown option --json\.$/,
    hint: /listed above/,
  },
];

describeBadInput(sandbox, cases);
