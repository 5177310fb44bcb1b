import { chmodSync, chownSync, copyFileSync } from 'node:fs';
import { CertificateAuthority, type IssuedCertificate } from '@pgaf/core/testing/certificate-authority';
import { freePort } from '@pgaf/core/testing/free-ports';
import { afterAll, beforeAll } from 'vitest';
import { findUser } from '../system-users.js';
import { describeBadInput, type BadInput } from '../testing/bad-input.js';
import { Sandbox } from '../testing/run-pgaf.js';

const sandbox = new Sandbox();
const owner = process.getuid?.() === 0 ? findUser('postgres') : null;
const DAY = 86_400_000;
let port = 0;
let authority: CertificateAuthority;
let other: CertificateAuthority;
let good: IssuedCertificate;
let expired: IssuedCertificate;
let early: IssuedCertificate;

beforeAll(async () => {
  port = await freePort();
  authority = await CertificateAuthority.create(sandbox.folder('authority'), owner);
  other = await CertificateAuthority.create(sandbox.folder('other'), owner);
  const altNames = ['IP:127.0.0.1'];
  const inDays = (days: number): Date => new Date(Date.now() + days * DAY);
  good = await authority.issue({ name: 'good', altNames });
  expired = await authority.issue({ name: 'expired', altNames, from: inDays(-3), until: inDays(-1) });
  early = await authority.issue({ name: 'early', altNames, from: inDays(2), until: inDays(9) });
  copyFileSync(good.keyFile, sandbox.path('open.key'));
  chmodSync(sandbox.path('open.key'), 0o644);
  if (owner) chownSync(sandbox.path('open.key'), owner.uid, owner.gid);
  sandbox.file('letter.txt', 'dear reader', 0o600);
  sandbox.file('password', 'a word\n', 0o600);
  sandbox.file('open-password', 'a word\n', 0o640);
  sandbox.file('empty-password', '\n', 0o600);
  sandbox.file('long-password', 'a word\nand another\n', 0o600);
});

afterAll(() => sandbox.dispose());

const place = (hostname = '127.0.0.1') => [
  ...['--pgdata', sandbox.path('new'), '--hostname', hostname, '--pgport', String(port)],
];
const monitor = (...more: readonly string[]) => ['create', 'monitor', ...place(), ...more];
const node = (...more: readonly string[]) => [
  ...['create', 'postgres', ...place()],
  ...['--monitor', `postgres://autoctl_node@127.0.0.1:${port}/pg_auto_failover`, ...more],
];
const tls = ({ certFile, keyFile } = good, caFile = authority.certFile) => [
  ...['--auth', 'trust', '--server-cert', certFile, '--server-key', keyFile],
  ...['--ssl-ca-file', caFile],
];
const scram = ['--auth', 'scram-sha-256', '--no-ssl'];
const passwordFile = (name: string) => ['--autoctl-node-password-file', sandbox.path(name)];

const cases: readonly BadInput[] = [
  {
    what: 'a key that others can read',
    args: () => monitor(...tls({ ...good, keyFile: sandbox.path('open.key') })),
    status: 1,
    message: /--server-key: others have access to the key .*open\.key/,
    hint: /chmod 0600 .*open\.key/,
  },
  {
    what: 'a key of another certificate',
    args: () => monitor(...tls({ ...good, keyFile: expired.keyFile })),
    status: 1,
    message: /--server-key: .*expired\.key" is not the key of .*good\.crt/,
    hint: /the certificate was made with/,
  },
  {
    what: 'a certificate that has expired',
    args: () => node(...tls(expired)),
    status: 1,
    message: /--server-cert: .*expired\.crt" expired on /,
    hint: /renewed/,
  },
  {
    what: 'a certificate that is not valid yet',
    args: () => monitor(...tls(early)),
    status: 1,
    message: /--server-cert: .*early\.crt" is not valid before /,
    hint: /clock/,
  },
  {
    what: 'an authority that did not sign the certificate',
    args: () => monitor(...tls(good, other.certFile)),
    status: 1,
    message: /--ssl-ca-file: .*good\.crt" is not signed by an authority of .*other\/ca\.crt/,
    hint: /Name the authority that signed it/,
  },
  {
    what: 'a certificate for another name',
    args: () => ['create', 'monitor', ...place('localhost'), ...tls()],
    status: 1,
    message:
      /--server-cert: .*good\.crt" is a certificate for IP Address:127\.0\.0\.1, and others reach this host as "localhost"/,
    hint: /--hostname/,
  },
  {
    what: 'a certificate that is something else',
    args: () => monitor(...tls({ ...good, certFile: sandbox.path('letter.txt') })),
    status: 1,
    message: /--server-cert: .*letter\.txt" holds no certificate/,
    hint: /PEM/,
  },
  {
    what: 'a list of revocations that is something else',
    args: () => monitor(...tls(), '--ssl-crl-file', 'letter.txt'),
    status: 1,
    message: /--ssl-crl-file: .*letter\.txt" holds no list of revoked/,
    hint: /PEM/,
  },
  {
    what: 'certificates without an authority',
    args: () => monitor(...tls().slice(0, 6)),
    status: 1,
    message: /--ssl-ca-file is not given/,
    hint: /--ssl-mode require/,
  },
  {
    what: 'a certificate without a key',
    args: () => monitor(...tls().slice(0, 4)),
    status: 1,
    message: /both --server-cert and --server-key/,
    hint: /--server-key/,
  },
  {
    what: 'a self-signed certificate to be verified',
    args: () => monitor('--auth', 'trust', '--ssl-self-signed', '--ssl-mode', 'verify-full'),
    status: 1,
    message: /--ssl-self-signed and --ssl-mode verify-full exclude/,
    hint: /Leave one/,
  },
  {
    what: 'a mode without TLS',
    args: () => monitor('--auth', 'trust', '--no-ssl', '--ssl-mode', 'require'),
    status: 1,
    message: /--no-ssl and --ssl-mode require exclude/,
    hint: /Leave one/,
  },
  {
    what: 'a mode that is none',
    args: () => monitor(...tls(), '--ssl-mode', 'strict'),
    status: 1,
    message: /--ssl-mode: "strict" is not allowed/,
    hint: /--ssl-mode/,
  },
  {
    what: 'authentication by certificate without an authority',
    args: () => monitor('--auth', 'cert', '--ssl-self-signed'),
    status: 1,
    message: /by certificate needs an authority, and --ssl-self-signed is given/,
    hint: /--ssl-ca-file/,
  },
  {
    what: 'authentication by certificate without one to log in with',
    args: () => node('--auth', 'cert', ...tls().slice(2)),
    status: 1,
    message: /logs in with: the file ".*\.postgresql\/postgresql\.crt" does not exist/,
    hint: /~\/\.postgresql\/postgresql\.crt/,
  },
  {
    what: 'a method that asks for passwords, and none, for a monitor',
    args: () => monitor(...scram),
    status: 1,
    message: /nodes log in to the monitor by a password, and none is given/,
    hint: /--autoctl-node-password-file/,
  },
  {
    what: 'a method that asks for passwords, and none, for a node',
    args: () => node(...scram),
    status: 1,
    message: /the nodes of a group log in to each other by a password/,
    hint: /--replication-password-file/,
  },
  {
    what: 'a password file that others can read',
    args: () => monitor(...scram, ...passwordFile('open-password')),
    status: 1,
    message: /others can read or change ".*open-password"/,
    hint: /chmod 0600/,
  },
  {
    what: 'a password file that is empty',
    args: () => monitor(...scram, ...passwordFile('empty-password')),
    status: 1,
    message: /there is no password in ".*empty-password"/,
    hint: /Write it/,
  },
  {
    what: 'a password file of two lines',
    args: () => monitor(...scram, ...passwordFile('long-password')),
    status: 1,
    message: /not one line/,
    hint: /first and only line/,
  },
  {
    what: 'a password file that is not there',
    args: () => node(...scram, '--replication-password-file', 'nowhere'),
    status: 1,
    message: /--replication-password-file: the file ".*nowhere" does not exist/,
    hint: /Correct --replication-password-file/,
  },
  {
    what: 'a password file that is a directory',
    args: () => monitor(...scram, ...passwordFile('home')),
    status: 1,
    message: /--autoctl-node-password-file: ".*home" is a directory/,
    hint: /Correct --autoctl-node-password-file/,
  },
  ...(['replication-password', 'monitor-password', 'autoctl-node-password'] as const).map(
    (name): BadInput => ({
      what: `--${name}`,
      args: () => node(...scram, `--${name}`, 'hush'),
      status: 1,
      message: new RegExp(`--${name} would show the password to everybody`),
      hint: /-password-file FILE/,
    }),
  ),
  {
    what: 'a password in the string and one in a file',
    args: () => [
      ...['create', 'postgres', ...place(), ...scram, ...passwordFile('password')],
      ...['--replication-password-file', sandbox.path('password')],
      ...['--monitor', 'postgres://autoctl_node:hush@127.0.0.1/pg_auto_failover'],
    ],
    status: 1,
    message: /--monitor has a password, and --autoctl-node-password-file is given/,
    hint: /Take the password out/,
  },
  ...['31', '2000M', '10G', 'fast'].map((rate): BadInput => ({
    what: `a backup rate of "${rate}"`,
    args: () => node('--auth', 'trust', '--no-ssl', '--maximum-backup-rate', rate),
    status: 1,
    message: /must be from 32k to 1024M/,
    hint: /kilobytes a second/,
  })),
  {
    what: 'a region without a name',
    args: () => node('--auth', 'trust', '--no-ssl', '--region', ''),
    status: 1,
    message: /--region is empty/,
    hint: /leave it out/,
  },
  {
    what: 'no address to listen on',
    args: () => monitor('--auth', 'trust', '--no-ssl', '--listen', ''),
    status: 1,
    message: /--listen is empty/,
    hint: /--listen/,
  },
];

describeBadInput(sandbox, cases);
