import { X509Certificate, createPrivateKey } from 'node:crypto';
import { chmod, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, UserError } from '@pgaf/core/errors';
import { syncDirectory } from './atomic-file.js';
import { runProgram } from './run-program.js';

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly result: 'created' | 'kept';
}

const DAYS = 365;
const RENEW_BEFORE_MS = 7 * 24 * 3_600_000;

/** Whether the two files are a pair, made for this host, and good for some days from `now`. */
async function isGood(certFile: string, keyFile: string, hostname: string, now: number): Promise<boolean> {
  try {
    const certificate = new X509Certificate(await readFile(certFile));
    const subjects = certificate.subject.split('\n');
    return (
      subjects.includes(`CN=${hostname}`) &&
      Date.parse(certificate.validTo) - now > RENEW_BEFORE_MS &&
      certificate.checkPrivateKey(createPrivateKey(await readFile(keyFile)))
    );
  } catch {
    return false;
  }
}

/**
 * A certificate for TLS that the server signs itself, `server.crt` and `server.key` (0600) in the data directory. One
 * that is good is kept; one of another host, as a base backup brings it, is replaced.
 */
export async function ensureSelfSignedCertificate(pgdata: string, hostname: string): Promise<Certificate> {
  const certFile = join(pgdata, 'server.crt');
  const keyFile = join(pgdata, 'server.key');
  if (await isGood(certFile, keyFile, hostname, Date.now())) return { certFile, keyFile, result: 'kept' };
  if (/[/\s=]/.test(hostname)) {
    throw new UserError(`"${hostname}" is no host name for a certificate.`, {
      code: 'bad-hostname',
      exit: EXIT.badArguments,
      hint: 'Give one with --hostname.',
    });
  }
  const fresh = { cert: `${certFile}.new`, key: `${keyFile}.new` };
  await rm(fresh.key, { force: true });
  await runProgram({
    program: 'openssl',
    args: [
      'req',
      '-new',
      '-x509',
      '-days',
      String(DAYS),
      '-nodes',
      '-text',
      '-out',
      fresh.cert,
      '-keyout',
      fresh.key,
    ].concat(['-subj', `/CN=${hostname}`]),
    env: { RANDFILE: undefined },
    exit: EXIT.badConfiguration,
    hint: 'Install openssl, or give a certificate with --server-cert and --server-key.',
  });
  await chmod(fresh.key, 0o600);
  // Not a pair between the two renames; the next call sees that and makes both anew.
  await rename(fresh.key, keyFile);
  await rename(fresh.cert, certFile);
  await syncDirectory(pgdata);
  return { certFile, keyFile, result: 'created' };
}
