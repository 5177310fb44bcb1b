import { existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { EXIT, UserError } from '@pgaf/core/errors';
import type { ClientConfig } from 'pg';
import type { ConnInfo, Host, SslMode } from './conninfo.js';
import { NoPasswordError } from './failure.js';
import { SSL_MODES } from './keywords.js';
import { lookUpPassword } from './passfile.js';
import { encryptionAttempts, tlsOptions, type Encryption } from './tls.js';
import { isWithoutTls } from './without-tls.js';

/** Where Debian's and the upstream libpq look for a server's socket. */
const SOCKET_DIRECTORIES = ['/var/run/postgresql', '/tmp'] as const;

const KEEPALIVE_IDLE_SECONDS = 5;

/** Keywords that would change who is trusted or reached, and that pg cannot honour: refused, not ignored. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  service: /./,
  requirepeer: /./,
  require_auth: /./,
  sslcrldir: /./,
  channel_binding: /^require$/,
  gssencmode: /^require$/,
  sslcertmode: /^require$/,
};

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ClientConfigs {
  /** A host, an address or the folder of a socket. */
  readonly address: string;
  /** In the order in which libpq would try them on this host. */
  readonly attempts: readonly { readonly encryption: Encryption; readonly config: ClientConfig }[];
}

function socketDirectory(port: number): string {
  return (
    SOCKET_DIRECTORIES.find((folder) => existsSync(`${folder}/.s.PGSQL.${port}`)) ??
    SOCKET_DIRECTORIES.find((folder) => existsSync(folder)) ??
    '/tmp'
  );
}

function sslModeOf(env: Environment): SslMode | undefined {
  const text = env['PGSSLMODE'];
  const mode = SSL_MODES.find((item) => item === text);
  if (!text || mode !== undefined) return mode;
  throw new UserError(`PGSSLMODE "${text}" is none of ${SSL_MODES.join(', ')}.`, {
    code: 'bad-conninfo',
    exit: EXIT.badArguments,
    hint: 'Correct the environment variable or unset it.',
  });
}

/** libpq's environment for TLS and the passfile; the names of hosts, users and databases are left to the string. */
function withEnvironment(conninfo: ConnInfo, env: Environment): ConnInfo {
  const sslmode = conninfo.sslmode ?? sslModeOf(env);
  const files = {
    sslrootcert: conninfo.sslrootcert ?? env['PGSSLROOTCERT'],
    sslcrl: conninfo.sslcrl ?? env['PGSSLCRL'],
    sslcert: conninfo.sslcert ?? env['PGSSLCERT'],
    sslkey: conninfo.sslkey ?? env['PGSSLKEY'],
    passfile: conninfo.passfile ?? env['PGPASSFILE'],
  };
  const given = Object.fromEntries(Object.entries(files).filter(([, value]) => value));
  return { ...conninfo, ...(sslmode === undefined ? {} : { sslmode }), ...given };
}

function refuseUnsupported(conninfo: ConnInfo): void {
  for (const [keyword, values] of Object.entries(REFUSED)) {
    const value = conninfo.rest[keyword];
    if (value === undefined || !values.test(value)) continue;
    throw new UserError(`pgaf cannot connect with ${keyword}=${value}.`, {
      code: 'bad-conninfo',
      exit: EXIT.badArguments,
      hint: `Take ${keyword} out of the connection string.`,
    });
  }
}

/**
 * pg's configuration for one host, once for each attempt that the sslmode stands for. The password is the string's,
 * else PGPASSWORD, else the passfile's, looked up only when the server asks.
 * @throws UserError `bad-conninfo` (exit 1) or `bad-tls-file` (exit 2)
 */
export async function clientConfigs(
  given: ConnInfo,
  host: Host,
  env: Environment = process.env,
): Promise<ClientConfigs> {
  refuseUnsupported(given);
  const conninfo = withEnvironment(given, env);
  const home = env['HOME'] || homedir();
  const address = host.hostaddr ?? (host.host === '' ? socketDirectory(host.port) : host.host);
  const over = address.startsWith('/') ? 'socket' : 'tcp';
  const user = conninfo.user ?? userInfo().username;
  const database = conninfo.dbname ?? user;
  const idle = Number(conninfo.rest['keepalives_idle'] || KEEPALIVE_IDLE_SECONDS);

  async function password(): Promise<string> {
    const known = conninfo.password ?? env['PGPASSWORD'];
    if (known) return known;
    const local = over === 'socket' && SOCKET_DIRECTORIES.some((folder) => folder === address);
    const key = { host: local ? 'localhost' : host.host || address, port: host.port, dbname: database, user };
    const found = await lookUpPassword(conninfo.passfile ?? join(home, '.pgpass'), key);
    if (found.password !== undefined) return found.password;
    const why = found.ignored === undefined ? '' : `; ${found.ignored}`;
    throw new NoPasswordError(`the server asks for a password and none is given${why}`);
  }

  const config: ClientConfig & { replication?: string } = {
    host: address,
    port: host.port,
    user,
    database,
    password,
    ssl: false,
    keepAlive: over === 'tcp' && conninfo.rest['keepalives'] !== '0',
    keepAliveInitialDelayMillis: idle * 1000,
  };
  if (conninfo.applicationName !== undefined) config.application_name = conninfo.applicationName;
  const fallbackName = conninfo.rest['fallback_application_name'];
  if (fallbackName !== undefined) config.fallback_application_name = fallbackName;
  if (conninfo.options !== undefined) config.options = conninfo.options;
  const replication = conninfo.rest['replication'];
  if (replication !== undefined) config.replication = replication;

  const mode = conninfo.sslmode ?? (conninfo.sslrootcert === 'system' ? 'verify-full' : 'prefer');
  const attempts = [];
  const isSought = (conninfo.targetSessionAttrs ?? 'any') !== 'any';
  const inForce = mode === 'prefer' && isSought && isWithoutTls(address, host.port) ? 'allow' : mode;
  for (const encryption of encryptionAttempts(inForce, over)) {
    if (encryption === 'plain') {
      attempts.push({ encryption, config });
      continue;
    }
    const ssl = await tlsOptions(conninfo, host, join(home, '.postgresql'));
    const direct = conninfo.rest['sslnegotiation'] === 'direct' && isIP(address) === 0;
    attempts.push({
      encryption,
      config: { ...config, ssl, ...(direct ? { sslnegotiation: 'direct' as const } : {}) },
    });
  }
  return { address, attempts };
}
