import type { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { isPrivate } from '@pgaf/core/private-file';
import {
  certificatesIn,
  commonName,
  isRevocationList,
  keyIn,
  leadsTo,
  namesHost,
  namesIn,
} from './read-certificates.js';

/** The files of a server's TLS. */
export interface ServerCertificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string | null;
  readonly crlFile: string | null;
}

/** What clients are told to verify. */
export type Verified = 'no' | 'chain' | 'chain and name';

/** `refusal`: Postgres would not start, or nobody could connect. `warning`: it works, and the user should know. */
export interface CertificateFinding {
  readonly weight: 'refusal' | 'warning';
  /** Which of the files it is about. */
  readonly file: keyof ServerCertificate;
  readonly problem: string;
  readonly hint: string;
}

type Texts = ReadonlyMap<keyof ServerCertificate, string>;

const WARN_BEFORE_MS = 14 * 24 * 3_600_000;

/** What is wrong with a server's certificate, the worst first; the rules of Postgres and of libpq's clients. */
export async function checkCertificates(
  files: ServerCertificate,
  verified: Verified,
  hostname: string | null,
  now: number = Date.now(),
): Promise<CertificateFinding[]> {
  const { texts, unreadable } = await readAll(files);
  if (unreadable.length > 0) return unreadable;
  const chain = certificatesIn(texts.get('certFile') ?? '');
  const roots = certificatesIn(texts.get('caFile') ?? '');
  const [leaf] = chain;
  const findings = [
    ...(leaf ? [] : [refusal('certFile', `"${files.certFile}" ${NO_CERTIFICATE}`, NAME_A_PEM_FILE)]),
    ...checkKey(files, texts.get('keyFile') ?? '', leaf),
    ...(await checkAccess(files.keyFile)),
    ...checkAuthorities(files, roots),
    ...checkRevocations(files, texts.get('crlFile') ?? ''),
    ...(leaf ? checkDates(files, leaf, now) : []),
    ...(leaf && roots.length > 0 ? checkChain(files, chain, roots, verified) : []),
    ...(leaf && hostname !== null ? checkName(files, leaf, hostname, verified) : []),
  ];
  return findings.sort((a, b) => Number(a.weight === 'warning') - Number(b.weight === 'warning'));
}

/** The name that a certificate is for, '' without one; the first of a file counts. */
export async function commonNameOf(certFile: string): Promise<string> {
  const [leaf] = certificatesIn(await readFile(certFile, 'utf8'));
  return (leaf && commonName(leaf)) ?? '';
}

const NO_CERTIFICATE = 'holds no certificate in PEM form';
const NAME_A_PEM_FILE = 'Name a PEM file.';

function refusal(file: keyof ServerCertificate, problem: string, hint: string): CertificateFinding {
  return { weight: 'refusal', file, problem, hint };
}

async function readAll(
  files: ServerCertificate,
): Promise<{ readonly texts: Texts; readonly unreadable: CertificateFinding[] }> {
  const texts = new Map<keyof ServerCertificate, string>();
  const unreadable: CertificateFinding[] = [];
  for (const file of ['certFile', 'keyFile', 'caFile', 'crlFile'] as const) {
    const path = files[file];
    if (path === null) continue;
    try {
      texts.set(file, await readFile(path, 'utf8'));
    } catch (error) {
      unreadable.push(refusal(file, ...whyUnreadable(path, error as NodeJS.ErrnoException)));
    }
  }
  return { texts, unreadable };
}

function whyUnreadable(path: string, { code }: NodeJS.ErrnoException): [problem: string, hint: string] {
  if (code === 'ENOENT') return [`the file "${path}" does not exist`, 'Correct the path.'];
  if (code === 'EISDIR') return [`"${path}" is a directory`, 'Name a file.'];
  return [
    `the file "${path}" cannot be read by the user that Postgres runs as`,
    'Let that user read the file and enter its folders.',
  ];
}

function checkKey(
  { certFile, keyFile }: ServerCertificate,
  text: string,
  leaf: X509Certificate | undefined,
): CertificateFinding[] {
  const key = keyIn(text);
  if (key === 'none') {
    return [refusal('keyFile', `"${keyFile}" holds no private key in PEM form`, NAME_A_PEM_FILE)];
  }
  if (key === 'locked') {
    const problem = `"${keyFile}" is protected by a passphrase, which a service cannot type`;
    return [refusal('keyFile', problem, 'Name a PEM file without one.')];
  }
  if (!leaf || leaf.checkPrivateKey(key)) return [];
  const hint = 'Name the key that the certificate was made with.';
  return [refusal('keyFile', `"${keyFile}" is not the key of "${certFile}"`, hint)];
}

async function checkAccess(keyFile: string): Promise<CertificateFinding[]> {
  if (isPrivate(await stat(keyFile))) return [];
  const problem = `others have access to the key "${keyFile}", which Postgres refuses`;
  return [refusal('keyFile', problem, `Run: chmod 0600 ${keyFile}`)];
}

function checkAuthorities(
  { caFile }: ServerCertificate,
  roots: readonly X509Certificate[],
): CertificateFinding[] {
  if (caFile === null || roots.length > 0) return [];
  return [refusal('caFile', `"${caFile}" ${NO_CERTIFICATE}`, NAME_A_PEM_FILE)];
}

function checkRevocations({ crlFile }: ServerCertificate, text: string): CertificateFinding[] {
  if (crlFile === null || isRevocationList(text)) return [];
  const problem = `"${crlFile}" holds no list of revoked certificates in PEM form`;
  return [refusal('crlFile', problem, NAME_A_PEM_FILE)];
}

function checkDates(
  { certFile }: ServerCertificate,
  { validFrom, validTo }: X509Certificate,
  now: number,
): CertificateFinding[] {
  if (now < Date.parse(validFrom)) {
    const hint = "Look at this host's clock, or wait.";
    return [refusal('certFile', `"${certFile}" is not valid before ${validFrom}`, hint)];
  }
  const left = Date.parse(validTo) - now;
  if (left < 0) return [refusal('certFile', `"${certFile}" expired on ${validTo}`, 'Have it renewed.')];
  if (left >= WARN_BEFORE_MS) return [];
  return [
    {
      weight: 'warning',
      file: 'certFile',
      problem: `"${certFile}" expires on ${validTo}`,
      hint: 'Have it renewed, put it in place and run: pgaf reload',
    },
  ];
}

function checkChain(
  { certFile, caFile }: ServerCertificate,
  chain: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  verified: Verified,
): CertificateFinding[] {
  if (leadsTo(roots, chain)) return [];
  return [
    {
      weight: verified === 'no' ? 'warning' : 'refusal',
      file: 'caFile',
      problem: `"${certFile}" is not signed by an authority of "${caFile}"`,
      hint: 'Name the authority that signed it; authorities between the two belong into the file of the certificate.',
    },
  ];
}

function checkName(
  { certFile }: ServerCertificate,
  leaf: X509Certificate,
  hostname: string,
  verified: Verified,
): CertificateFinding[] {
  if (namesHost(leaf, hostname)) return [];
  return [
    {
      weight: verified === 'chain and name' ? 'refusal' : 'warning',
      file: 'certFile',
      problem: `"${certFile}" is a certificate for ${namesIn(leaf)}, and others reach this host as "${hostname}"`,
      hint: 'Give a --hostname that is in the certificate, or have one made for that name.',
    },
  ];
}
