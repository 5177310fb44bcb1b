import { freePort } from '@pgaf/core/testing/free-ports';
import { afterAll, beforeAll } from 'vitest';
import { describeBadInput, type BadInput } from '../testing/bad-input.js';
import { Sandbox } from '../testing/run-pgaf.js';
import { SilentServer } from '../testing/silent-server.js';
import { OPEN, startSingleNode, type SingleNode } from '../testing/single-node.js';

const sandbox = new Sandbox();
let there: SingleNode;
let silent: SilentServer;
/** Nobody listens here. */
let closedPort = 0;

const node = (uri = there.monitorUri) => [
  'create',
  'postgres',
  '--pgdata',
  sandbox.path('new'),
  '--hostname',
  '127.0.0.1',
  '--monitor',
  uri,
];
const free = () => ['--pgport', String(closedPort)];

beforeAll(async () => {
  closedPort = await freePort();
  silent = await SilentServer.start();
  sandbox.folder('occupied');
  sandbox.file('occupied/letter.txt', 'dear reader');
  there = await startSingleNode(sandbox);
}, 90_000);

afterAll(async () => {
  silent?.close();
  await sandbox.dispose();
});

const cases: readonly BadInput[] = [
  {
    what: 'a directory that is not empty and not ours, for a node',
    args: () => [
      'create',
      'postgres',
      '--pgdata',
      sandbox.path('occupied'),
      '--pgport',
      String(closedPort),
      '--monitor',
      there.monitorUri,
      ...OPEN,
    ],
    status: 3,
    message: /occupied is not empty/,
    hint: /--pgdata/,
  },
  {
    what: 'a node that runs already',
    args: () => [
      'create',
      'postgres',
      '--pgdata',
      sandbox.path('first'),
      '--monitor',
      there.monitorUri,
      ...OPEN,
    ],
    status: 3,
    message: /is running, with pid/,
    hint: /pgaf stop/,
  },
  {
    what: 'a port that is taken, for a node',
    args: () => [...node(), '--pgport', String(silent.port), ...OPEN],
    status: 1,
    message: /Port \d+ is in use/,
    hint: /--pgport/,
  },
  {
    what: 'a monitor URI that is none',
    args: () => [...node('postgres://host:port:port/x'), '--pgport', String(closedPort), ...OPEN],
    status: 1,
    message: /./,
    hint: /./,
  },
  {
    what: 'a monitor that refuses',
    args: () => [
      ...node(`postgres://autoctl_node@127.0.0.1:${closedPort}/pg_auto_failover`),
      '--pgport',
      String(closedPort),
      ...OPEN,
      ...['--wait', '0'],
    ],
    status: 6,
    message: /Cannot connect to the monitor: 127\.0\.0\.1:\d+/,
    hint: /./,
  },
  {
    what: 'a monitor that does not answer',
    args: () => [
      ...node(`postgres://autoctl_node@127.0.0.1:${silent.port}/pg_auto_failover`),
      '--pgport',
      String(closedPort),
      ...OPEN,
      ...['--wait', '0'],
    ],
    status: 6,
    message: /Cannot connect to the monitor/,
    hint: /./,
  },
  {
    what: 'a Postgres that is no monitor',
    args: () => [
      ...node(`postgres://postgres@127.0.0.1:${there.nodePort}/postgres`),
      '--pgport',
      String(closedPort),
      ...OPEN,
    ],
    status: 6,
    message: /./,
    hint: /./,
  },
  {
    what: 'no monitor at all',
    args: () => ['create', 'postgres', '--pgdata', sandbox.path('new'), ...OPEN],
    status: 1,
    message: /which monitor/,
    hint: /--monitor or PG_AUTOCTL_MONITOR/,
  },
  {
    what: 'a node name that is registered already',
    args: () => [...node(), '--pgport', String(closedPort), '--name', 'first', ...OPEN],
    status: 6,
    message: /first/,
    hint: /./,
  },
  {
    what: 'a host and port that are registered already',
    args: () => [...node(), '--pgport', String(there.nodePort), ...OPEN],
    status: 1,
    message: /Port \d+ is in use/,
    hint: /--pgport/,
  },
  {
    what: 'a priority that is none',
    args: () => [...node(), '--candidate-priority', 'high', ...OPEN],
    status: 1,
    message: /--candidate-priority is "high".*0 to 100/,
    hint: /--candidate-priority/,
  },
  {
    what: 'a node where a monitor is',
    args: () => [
      'create',
      'postgres',
      '--pgdata',
      sandbox.path('monitor'),
      '--monitor',
      there.monitorUri,
      ...OPEN,
    ],
    status: 3,
    message: /monitor" is a monitor already/,
    hint: /--pgdata/,
  },
  {
    what: 'a node that is registered, in another formation',
    args: () => [
      'create',
      'postgres',
      '--pgdata',
      sandbox.path('first'),
      '--formation',
      'second',
      '--monitor',
      there.monitorUri,
      ...OPEN,
    ],
    status: 3,
    message: /registered with --formation default, so it cannot be created with second/,
    hint: /Resume that node/,
  },
  {
    what: 'an authentication method that Postgres does not know',
    args: () => [...node(), ...free(), '--auth', 'bogus', '--no-ssl'],
    status: 1,
    message: /"bogus" is not an authentication method/,
    hint: /--auth/,
  },
  {
    what: 'certificates without TLS',
    args: () => [...node(), ...free(), '--auth', 'cert', '--no-ssl'],
    status: 1,
    message: /needs an authority, and --no-ssl is given/,
    hint: /--ssl-ca-file/,
  },
  {
    what: 'certificates without an authority to verify them by',
    args: () => [...node(), ...free(), '--auth', 'md5', '--server-cert', 'a.crt', '--server-key', 'a.key'],
    status: 1,
    message: /--ssl-ca-file is not given/,
    hint: /./,
  },
  {
    what: 'a mode of TLS without TLS',
    args: () => [...node(), ...free(), '--auth', 'trust', '--no-ssl', '--ssl-mode', 'require'],
    status: 1,
    message: /^--no-ssl and --ssl-mode require exclude each other\.$/,
    hint: /Leave one/,
  },
  {
    what: 'a priority that is too high',
    args: () => [...node(), ...free(), ...OPEN, '--candidate-priority', '101'],
    status: 1,
    message: /^--candidate-priority is "101", which must be a whole number from 0 to 100\.$/,
    hint: /--candidate-priority/,
  },
  {
    what: 'a quorum that is neither',
    args: () => [...node(), ...free(), ...OPEN, '--replication-quorum', 'maybe'],
    status: 1,
    message: /^--replication-quorum is "maybe", which must be true or false\.$/,
    hint: /--replication-quorum/,
  },
  {
    what: 'a certificate that is not there',
    args: () => [
      ...node(),
      ...free(),
      '--auth',
      'trust',
      '--server-cert',
      'nowhere.crt',
      '--server-key',
      'nowhere.key',
      '--ssl-mode',
      'require',
    ],
    status: 1,
    message: /--server-cert: the file ".*\/nowhere\.crt" does not exist/,
    hint: /Correct the path/,
  },
  {
    what: 'a node name of two lines',
    args: () => [...node(), ...free(), '--name', 'a\nb', ...OPEN],
    status: 1,
    message: /--name: "a\\nb" has a control character/,
    hint: /--name/,
  },
  {
    what: 'a node name that no shell takes as one word',
    args: () => [...node(), ...free(), '--name', 'no de!', ...OPEN],
    status: 1,
    message: /^--name: "no de!" may have letters, digits, _ \. and - only/,
    hint: /--name/,
  },
  {
    what: 'a formation to join that does not exist',
    args: () => [...node(), ...free(), '--formation', 'nope', ...OPEN],
    status: 1,
    message: /^There is no formation "nope"\.$/,
    hint: /show uri.*create formation/,
  },
  {
    what: 'a database whose name Postgres would cut',
    args: () => [...node(), ...free(), '--dbname', 'x'.repeat(64), ...OPEN],
    status: 1,
    message: /^--dbname: "x+" is longer than 63 bytes\.$/,
    hint: /--dbname/,
  },
  {
    what: 'a role whose name Postgres would cut',
    args: () => [...node(), ...free(), '--username', 'ü'.repeat(32), ...OPEN],
    status: 1,
    message: /^--username: "ü+" is longer than 63 bytes\.$/,
    hint: /--username/,
  },
  {
    what: 'a group that the kind does not have',
    args: () => [...node(), ...free(), '--group', '1', ...OPEN],
    status: 6,
    message: /group 0 only/,
    hint: /--group/,
  },
  {
    what: 'a monitor where a node is',
    args: () => ['create', 'monitor', '--pgdata', sandbox.path('first'), ...OPEN],
    status: 3,
    message: /first" is a node of a formation already/,
    hint: /--pgdata/,
  },
];

describeBadInput(sandbox, cases);
