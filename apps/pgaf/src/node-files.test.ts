import { chmodSync } from 'node:fs';
import { afterAll } from 'vitest';
import { describeBadInput, type BadInput } from './testing/bad-input.js';
import { Sandbox } from './testing/run-pgaf.js';

const sandbox = new Sandbox();
afterAll(() => sandbox.dispose());

const whole = (pgdata: string): string[] => [
  '[pg_autoctl]',
  'role = keeper',
  'monitor = postgres://autoctl_node@127.0.0.1:1/pg_auto_failover',
  'hostname = 127.0.0.1',
  '[postgresql]',
  `pgdata = ${pgdata}`,
  'port = 5432',
];

/** A data directory whose configuration file has other lines than it should, or another mode. */
function configured(
  name: string,
  change: (lines: readonly string[]) => readonly string[],
  mode = 0o600,
): string {
  const pgdata = sandbox.folder(name);
  const own = `config/pg_autoctl${pgdata}`;
  sandbox.folder(own);
  const path = sandbox.file(`${own}/pg_autoctl.cfg`, `${change(whole(pgdata)).join('\n')}\n`);
  chmodSync(path, mode);
  return pgdata;
}

const replaced = (from: string, to: string) => (lines: readonly string[]) =>
  lines.map((line) => (line.startsWith(from) ? to : line));
const asItIs = (lines: readonly string[]) => lines;

const unknownKey = configured('unknown-key', replaced('port', 'prot = 5432'));
const unknownSection = configured('unknown-section', replaced('[postgresql]', '[postgersql]'));
const wrongType = configured('wrong-type', replaced('port', 'port = many'));
const outOfRange = configured('out-of-range', replaced('port', 'port = 70000'));
const twice = configured('twice', (lines) => [...lines, 'port = 5433']);
const noRole = configured('no-role', replaced('role', 'role = monitr'));
const writable = configured('writable', asItIs, 0o666);
const readable = configured('readable', (lines) => [...lines, '[replication]', 'password = secret'], 0o644);
const closed = configured('closed', asItIs, 0);
const copied = configured('copied', replaced('pgdata', 'pgdata = /elsewhere'));
const badMonitor = configured('bad-monitor', replaced('monitor', 'monitor = junk'));

const cases: readonly BadInput[] = [
  {
    what: 'an unknown key',
    args: () => ['status', '--pgdata', unknownKey],
    status: 2,
    message: /^\/.*\/unknown-key\/pg_autoctl\.cfg:7: postgresql\.prot is no setting\.$/,
    hint: /^Did you mean port\?$/,
  },
  {
    what: 'an unknown section',
    args: () => ['run', '--pgdata', unknownSection],
    status: 2,
    message: /^\/.*pg_autoctl\.cfg:5: \[postgersql\] is no section\.$/,
    hint: /^Did you mean \[postgresql\]\?$/,
  },
  {
    what: 'a value of another type',
    args: () => ['run', '--pgdata', wrongType],
    status: 2,
    message:
      /^\/.*pg_autoctl\.cfg:7: "many" is not allowed for postgresql\.port, which must be a whole number/,
    hint: /^Correct \/.*pg_autoctl\.cfg:7\.$/,
  },
  {
    what: 'a value out of range',
    args: () => ['show', 'state', '--pgdata', outOfRange],
    status: 2,
    message: /pg_autoctl\.cfg:7: "70000" is not allowed for postgresql\.port.*from 1 to 65535/,
    hint: /^Correct/,
  },
  {
    what: 'a key that stands there twice',
    args: () => ['status', '--pgdata', twice],
    status: 2,
    message: /pg_autoctl\.cfg:8: postgresql\.port stands on line 7 already\.$/,
    hint: /Remove one/,
  },
  {
    what: 'a role that is none',
    args: () => ['status', '--pgdata', noRole],
    status: 2,
    message:
      /pg_autoctl\.cfg:2: "monitr" is not allowed for pg_autoctl\.role, which must be monitor or keeper\.$/,
    hint: /Correct the line/,
  },
  {
    what: 'a file that others can write to',
    args: () => ['run', '--pgdata', writable],
    status: 2,
    message: /pg_autoctl\.cfg: others than its owner can write to it; its mode is 0666\.$/,
    hint: /^Close it: chmod 600 '\/.*pg_autoctl\.cfg'$/,
  },
  {
    what: 'a password that others can read',
    args: () => ['run', '--pgdata', readable],
    status: 2,
    message: /pg_autoctl\.cfg:9: replication\.password can be read by others/,
    hint: /^Close it: chmod 600 '\/.*pg_autoctl\.cfg'$/,
  },
  {
    what: 'the file of another data directory',
    args: () => ['run', '--pgdata', copied],
    status: 2,
    message:
      /pg_autoctl\.cfg:6: postgresql\.pgdata is "\/elsewhere", and the file is that of ".*\/copied"\.$/,
    hint: /a copied file is the file of another node/,
  },
  {
    what: 'a monitor that is no connection string',
    args: () => ['show', 'state', '--pgdata', badMonitor],
    status: 1,
    message: /^pg_autoctl\.monitor in \/.*pg_autoctl\.cfg: The connection string is not valid/,
    hint: /libpq/,
  },
];

const unreadable: BadInput = {
  what: 'a file that is closed to its owner',
  args: () => ['run', '--pgdata', closed],
  status: 2,
  message: /^Cannot read the configuration file \/.*pg_autoctl\.cfg\.$/,
  hint: /^It is yours, so open it to you: chmod 600 '\/.*pg_autoctl\.cfg'$/,
};

describeBadInput(sandbox, [...cases, unreadable]);
