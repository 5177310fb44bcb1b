import { EXIT, UserError } from '@pgaf/core/errors';
import type { Logger } from '@pgaf/logging/logger';
import { checkCertificates, commonNameOf } from '@pgaf/postgres/check-certificates';
import type { ClientCertificate } from '@pgaf/postgres/upstream';
import type { SecurityChoice, SslChoice } from './security-choice.js';

/** Methods of pg_hba.conf for connections over TCP, https://www.postgresql.org/docs/current/auth-pg-hba-conf.html. */
const METHODS: ReadonlySet<string> = new Set([
  'trust',
  'scram-sha-256',
  'md5',
  'password',
  'cert',
  'gss',
  'ident',
  'ldap',
  'radius',
  'pam',
  'oauth',
]);

/** The option that each file came from. */
const FLAGS = {
  certFile: '--server-cert',
  keyFile: '--server-key',
  caFile: '--ssl-ca-file',
  crlFile: '--ssl-crl-file',
} as const;

/** In pg_hba.conf options may follow the method. */
function withoutOptions(authMethod: string): string {
  return authMethod.trim().split(/\s+/)[0] ?? '';
}

/** @throws UserError `bad-auth-method`, `flags-conflict`. */
export function checkAuthentication({ authMethod, ssl }: SecurityChoice): void {
  const method = withoutOptions(authMethod);
  if (!METHODS.has(method)) {
    throw new UserError(`"${method}" is not an authentication method of pg_hba.conf.`, {
      code: 'bad-auth-method',
      exit: EXIT.badArguments,
      hint: 'Give --auth one that Postgres knows, such as scram-sha-256, cert or trust.',
    });
  }
  if (method === 'cert' && (ssl.tag !== 'files' || ssl.caFile === null)) {
    const why = {
      off: '--no-ssl is given',
      'self-signed': '--ssl-self-signed is given',
      files: 'there is none',
    };
    throw new UserError(`Authentication by certificate needs an authority, and ${why[ssl.tag]}.`, {
      code: 'flags-conflict',
      exit: EXIT.badArguments,
      hint: 'Give --server-cert, --server-key and --ssl-ca-file, or choose another --auth.',
    });
  }
}

/**
 * Looks for what would keep Postgres from starting or others from connecting, before anything is made.
 * @param hostname How others reach this host.
 * @throws UserError `bad-certificate`.
 */
export async function checkServerCertificate(ssl: SslChoice, hostname: string, log: Logger): Promise<void> {
  if (ssl.tag !== 'files') return;
  const findings = await checkCertificates(ssl, verificationOf(ssl.mode), hostname);
  for (const { weight, file, problem, hint } of findings) {
    if (weight === 'refusal') throw badCertificate(`${FLAGS[file]}: ${problem}.`, hint);
    log.warn(`${FLAGS[file]}: ${problem}. ${hint}`);
  }
}

/** A monitor that verifies nodes sees nothing of one that it cannot recognise. */
export function warnOfUnverifiable(ssl: SslChoice, monitorMode: string | undefined, log: Logger): void {
  if (ssl.tag === 'files' || monitorMode?.startsWith('verify-') !== true) return;
  const why = ssl.tag === 'off' ? '--no-ssl' : '--ssl-self-signed';
  log.warn(
    `${why}: a monitor of sslmode ${monitorMode} recognises nodes by certificates of its authority, and this node has none. Its health stays unknown, and a failover away from it has to be ordered. Give --server-cert, --server-key and --ssl-ca-file`,
  );
}

/** What clients that are told this sslmode look at. */
function verificationOf(mode: string): 'no' | 'chain' | 'chain and name' {
  if (mode === 'verify-full') return 'chain and name';
  return mode === 'verify-ca' ? 'chain' : 'no';
}

/** The certificate by which a node logs in to others is in libpq's place, under this common name. */
const COMMON_NAME = 'autoctl_node';

/**
 * With --auth cert a node shows a certificate of its own to the monitor and to the other nodes.
 * @throws UserError `bad-certificate`.
 */
export async function checkClientCertificate(
  { authMethod, ssl }: SecurityChoice,
  client: ClientCertificate,
  log: Logger,
): Promise<void> {
  if (withoutOptions(authMethod) !== 'cert' || ssl.tag !== 'files') return;
  const files = { ...client, caFile: ssl.caFile, crlFile: null };
  for (const { weight, file, problem, hint } of await checkCertificates(files, 'chain', null)) {
    const what = file === 'caFile' ? FLAGS.caFile : 'The certificate that this node logs in with';
    if (weight === 'refusal') throw badCertificate(`${what}: ${problem}.`, clientHint(hint));
    log.warn(`${what}: ${problem}. ${hint}`);
  }
  const name = await commonNameOf(client.certFile);
  if (name === COMMON_NAME) return;
  log.warn(
    `The certificate "${client.certFile}" is one for "${name}", not for "${COMMON_NAME}": pg_ident.conf of each node must map it to pgautofailover_replicator in the map pgautofailover.`,
  );
}

function clientHint(hint: string): string {
  return `${hint} With --auth cert a node logs in to others by ~/.postgresql/postgresql.crt and postgresql.key, a certificate for "${COMMON_NAME}".`;
}

function badCertificate(message: string, hint: string): UserError {
  return new UserError(message, { code: 'bad-certificate', exit: EXIT.badArguments, hint });
}

/** Methods by which the server asks for a password. */
const ASKING: ReadonlySet<string> = new Set(['scram-sha-256', 'md5', 'password']);

/**
 * Without it nobody could log in: found out here rather than at the second node.
 * @param flag Names the file that the password comes from. @throws UserError `no-password`.
 */
export function requirePassword(
  { authMethod }: SecurityChoice,
  password: string | undefined,
  flag: 'replication-password-file' | 'autoctl-node-password-file',
): void {
  const method = withoutOptions(authMethod);
  if (!ASKING.has(method) || (password !== undefined && password !== '')) return;
  const who =
    flag === 'replication-password-file'
      ? 'the nodes of a group log in to each other'
      : 'nodes log in to the monitor';
  throw new UserError(`With --auth ${method} ${who} by a password, and none is given.`, {
    code: 'no-password',
    exit: EXIT.badArguments,
    hint: `Write one into a file that only you can read, and give --${flag} FILE.`,
  });
}
