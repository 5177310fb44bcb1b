import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConnectionOptions, SecureVersion } from 'node:tls';
import { EXIT, UserError } from '@pgaf/core/errors';
import { isPrivate } from '@pgaf/core/private-file';
import type { ConnInfo, Host, SslMode } from './conninfo.js';
import { checkServerName } from './tls-failure.js';

/** How one attempt to connect goes about encryption. */
export type Encryption = 'plain' | 'tls';

/**
 * The attempts that an sslmode stands for, in order. pg cannot fall back inside a connection as libpq does for
 * `allow` and `prefer`, so each is a connection of its own. Over a Unix socket libpq ignores sslmode.
 */
export function encryptionAttempts(
  sslmode: SslMode,
  over: 'tcp' | 'socket',
): readonly [Encryption, ...Encryption[]] {
  if (over === 'socket' || sslmode === 'disable') return ['plain'];
  if (sslmode === 'allow') return ['plain', 'tls'];
  if (sslmode === 'prefer') return ['tls', 'plain'];
  return ['tls'];
}

function badTls(message: string, hint: string, cause?: unknown): UserError {
  return new UserError(message, { code: 'bad-tls-file', exit: EXIT.badConfiguration, hint, cause });
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw badTls(`The file ${path} cannot be read.`, 'Correct its rights, or name another file.', error);
  }
}

async function readGiven(keyword: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw badTls(`The file ${path} of ${keyword} cannot be read.`, `Correct ${keyword} or the file.`, cause);
  }
}

async function refuseOpenKey(path: string): Promise<void> {
  if (!isPrivate(await stat(path))) {
    throw badTls(`Others have access to the private key ${path}.`, `Run chmod 0600 ${path}.`);
  }
}

async function clientCertificate(conninfo: ConnInfo, folder: string): Promise<ConnectionOptions> {
  const cert =
    conninfo.sslcert === undefined
      ? await readIfThere(join(folder, 'postgresql.crt'))
      : await readGiven('sslcert', conninfo.sslcert);
  if (cert === undefined) return {};
  const keyPath = conninfo.sslkey ?? join(folder, 'postgresql.key');
  const key = await readGiven('sslkey', keyPath);
  await refuseOpenKey(keyPath);
  const passphrase = conninfo.rest['sslpassword'];
  return { cert, key, ...(passphrase === undefined ? {} : { passphrase }) };
}

function versionOf(conninfo: ConnInfo, keyword: string): SecureVersion | undefined {
  const text = conninfo.rest[keyword];
  if (text === undefined) return undefined;
  const versions: Readonly<Record<string, SecureVersion>> = {
    TLSv1: 'TLSv1',
    'TLSv1.1': 'TLSv1.1',
    'TLSv1.2': 'TLSv1.2',
    'TLSv1.3': 'TLSv1.3',
  };
  const version = versions[text];
  if (version === undefined)
    throw badTls(`${keyword} "${text}" is no TLS version.`, 'Use TLSv1.2 or TLSv1.3.');
  return version;
}

/**
 * What libpq checks of the server's certificate: nothing without a root file, its chain with one (also for
 * `require`), and the host's name for `verify-full`. `sslrootcert=system` means the system's roots and the name.
 * @param folder where libpq's default files are, `~/.postgresql`
 * @throws UserError `bad-tls-file`, exit 2
 */
export async function tlsOptions(conninfo: ConnInfo, host: Host, folder: string): Promise<ConnectionOptions> {
  const mode = conninfo.sslmode ?? 'prefer';
  const system = conninfo.sslrootcert === 'system';
  if (system && conninfo.sslmode !== undefined && mode !== 'verify-full') {
    throw badTls(`sslrootcert=system does not go with sslmode=${mode}.`, 'Use sslmode=verify-full.');
  }
  const verified = mode === 'verify-ca' || mode === 'verify-full';
  const rootPath = conninfo.sslrootcert ?? join(folder, 'root.crt');
  const ca = system
    ? undefined
    : verified && conninfo.sslrootcert !== undefined
      ? await readGiven('sslrootcert', rootPath)
      : await readIfThere(rootPath);
  if (verified && !system && ca === undefined) {
    throw badTls(
      `There is no root certificate ${rootPath}, which sslmode=${mode} needs.`,
      'Give sslrootcert, or use sslmode=require.',
    );
  }
  const chain = system || ca !== undefined;
  const name = mode === 'verify-full' || system;
  const minVersion = versionOf(conninfo, 'ssl_min_protocol_version');
  const maxVersion = versionOf(conninfo, 'ssl_max_protocol_version');
  return {
    rejectUnauthorized: chain,
    ...(ca === undefined ? {} : { ca }),
    ...(conninfo.sslcrl === undefined ? {} : { crl: await readGiven('sslcrl', conninfo.sslcrl) }),
    checkServerIdentity: name ? checkServerName : () => undefined,
    ...(host.hostaddr === undefined || host.host === '' ? {} : { host: host.host, servername: host.host }),
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(maxVersion === undefined ? {} : { maxVersion }),
    ...(await clientCertificate(conninfo, folder)),
  };
}
