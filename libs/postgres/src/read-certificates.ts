import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';

/** The certificates of a PEM file, in order; none when one of them cannot be read. */
export function certificatesIn(text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END [A-Z ]+-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return [];
  }
}

/** The key of a PEM file; `locked` when a passphrase protects it, `none` when there is no key. */
export function keyIn(text: string): KeyObject | 'locked' | 'none' {
  try {
    return createPrivateKey(text);
  } catch {
    return /\bENCRYPTED\b/.test(text) ? 'locked' : 'none';
  }
}

export function isRevocationList(text: string): boolean {
  try {
    createSecureContext({ crl: text });
    return true;
  } catch {
    return false;
  }
}

/** As OpenSSL goes: from the certificate over what its own file adds to a root that signed itself. */
export function leadsTo(roots: readonly X509Certificate[], chain: readonly X509Certificate[]): boolean {
  const known = [...chain.slice(1), ...roots];
  let at = chain[0];
  for (let steps = 0; at !== undefined && steps <= known.length; steps += 1) {
    const current: X509Certificate = at;
    const isRoot = roots.some((root) => root.fingerprint256 === current.fingerprint256);
    if (isRoot && isSignedBy(current, current)) return true;
    at = known.find((other) => other.fingerprint256 !== current.fingerprint256 && isSignedBy(current, other));
  }
  return false;
}

function isSignedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

/** libpq compares with the common name when there are no other names. */
export function namesHost(leaf: X509Certificate, hostname: string): boolean {
  if (leaf.subjectAltName === undefined)
    return commonName(leaf) === hostname || leaf.checkHost(hostname) !== undefined;
  return (isIP(hostname) === 0 ? leaf.checkHost(hostname) : leaf.checkIP(hostname)) !== undefined;
}

/** All names of a certificate, for people. */
export function namesIn(leaf: X509Certificate): string {
  return leaf.subjectAltName ?? `CN=${commonName(leaf) ?? ''}`;
}

export function commonName(leaf: X509Certificate): string | undefined {
  return /^CN=(.*)$/m.exec(leaf.subject)?.[1];
}
