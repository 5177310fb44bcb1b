import { freePort } from '@pgaf/core/testing/free-ports';
import { afterAll, beforeAll } from 'vitest';
import { describeBadInput, type BadInput } from '../testing/bad-input.js';
import { Sandbox } from '../testing/run-pgaf.js';
import { SilentServer } from '../testing/silent-server.js';
import { OPEN } from '../testing/single-node.js';

const sandbox = new Sandbox();
let silent: SilentServer;
let closedPort = 0;

const monitor = () => ['create', 'monitor', '--pgdata', sandbox.path('new'), '--hostname', '127.0.0.1'];
const free = () => ['--pgport', String(closedPort)];

beforeAll(async () => {
  closedPort = await freePort();
  silent = await SilentServer.start();
  sandbox.folder('occupied');
  sandbox.file('occupied/letter.txt', 'dear reader');
  for (const name of ['bin-a', 'bin-b']) {
    sandbox.folder(name);
    for (const program of ['pg_ctl', 'postgres']) sandbox.file(`${name}/${program}`, '#!/bin/sh\n', 0o755);
  }
});

afterAll(async () => {
  silent?.close();
  await sandbox.dispose();
});

const cases: readonly BadInput[] = [
  {
    what: 'a directory that is not empty and not ours, for a monitor',
    args: () => ['create', 'monitor', '--pgdata', sandbox.path('occupied'), ...OPEN],
    status: 3,
    message: /occupied is not empty/,
    hint: /--pgdata/,
  },
  ...['monitor', 'a b', ''].map((name): BadInput => ({
    what: `a formation by the name of "${name}" from the start`,
    args: () => [...monitor(), ...OPEN, '--formation', 'app', '-f', name],
    status: 1,
    message: /^--formation(: "monitor" is the word for the monitor|: "a b" may have letters| is empty)/,
    hint: /--formation/,
  })),
  {
    what: 'a port that is taken, for a monitor',
    args: () => [...monitor(), '--pgport', String(silent.port), ...OPEN],
    status: 1,
    message: /Port \d+ is in use/,
    hint: /--pgport/,
  },
  {
    what: 'a port that is none',
    args: () => [...monitor(), '--pgport', '70000', ...OPEN],
    status: 1,
    message: /--pgport.*70000.*from 1 to 65535/,
    hint: /--pgport/,
  },
  {
    what: 'a port that is none, in the environment',
    args: () => [...monitor(), ...OPEN],
    env: () => ({ PGPORT: 'no' }),
    status: 1,
    message: /PGPORT.*"no".*from 1 to 65535/,
    hint: /PGPORT/,
  },
  {
    what: 'a pg_ctl that is missing',
    args: () => [...monitor(), '--pgctl', '/nowhere/pg_ctl', ...OPEN],
    status: 5,
    message: /"\/nowhere\/pg_ctl"/,
    hint: /--pgctl/,
  },
  {
    what: 'several pg_ctl',
    args: () => [...monitor(), ...OPEN],
    env: () => ({ PATH: `${sandbox.path('bin-a')}:${sandbox.path('bin-b')}` }),
    status: 1,
    message: /bin-a\/pg_ctl.*bin-b\/pg_ctl/,
    hint: /--pgctl/,
  },
  {
    what: 'no auth',
    args: () => [...monitor(), '--no-ssl'],
    status: 1,
    message: /authenticated/,
    hint: /--auth/,
  },
  {
    what: 'no ssl',
    args: () => [...monitor(), '--auth', 'trust'],
    status: 1,
    message: /whether to use TLS/,
    hint: /--ssl-self-signed/,
  },
  {
    what: 'ssl both ways',
    args: () => [...monitor(), '--ssl-self-signed', ...OPEN],
    status: 1,
    message: /--no-ssl and --ssl-self-signed exclude/,
    hint: /./,
  },
  {
    what: 'auth and skip-pg-hba',
    args: () => [...monitor(), '--no-ssl', '--skip-pg-hba'],
    env: () => ({ PG_AUTOCTL_AUTH_METHOD: 'md5' }),
    status: 1,
    message: /--skip-pg-hba and PG_AUTOCTL_AUTH_METHOD exclude/,
    hint: /./,
  },
  {
    what: 'a data directory that is a file',
    args: () => ['create', 'monitor', '--pgdata', sandbox.path('occupied/letter.txt'), ...free(), ...OPEN],
    status: 2,
    message: /letter\.txt" is not a directory/,
    hint: /--pgdata/,
  },
  {
    what: 'a data directory below a file',
    args: () => [
      'create',
      'monitor',
      '--pgdata',
      sandbox.path('occupied/letter.txt/x/y'),
      ...free(),
      ...OPEN,
    ],
    status: 2,
    message: /cannot be made: ".*letter\.txt" is not a directory/,
    hint: /--pgdata/,
  },
  {
    what: 'a data directory that cannot be made',
    args: () => ['create', 'monitor', '--pgdata', '/proc/new', ...free(), ...OPEN],
    status: 2,
    message: /"\/proc\/new" cannot be made: "\/proc" is closed to/,
    hint: /--pgdata/,
  },
  {
    what: 'a host name that is empty',
    args: () => ['create', 'monitor', '--pgdata', sandbox.path('new'), '--hostname', '', ...free(), ...OPEN],
    status: 1,
    message: /^--hostname is empty\.$/,
    hint: /--hostname/,
  },
  {
    what: 'a host name that is none',
    args: () => [
      'create',
      'monitor',
      '--pgdata',
      sandbox.path('new'),
      '--hostname',
      'bad host',
      ...free(),
      ...OPEN,
    ],
    status: 1,
    message: /^--hostname: "bad host" is no name of a host\.$/,
    hint: /--hostname/,
  },
];

describeBadInput(sandbox, cases);
