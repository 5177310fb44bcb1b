import { checkServerIdentity as checkIdentity, type PeerCertificate } from 'node:tls';

/** What became of a TLS handshake that the certificate of the server did not pass. */
export interface TlsFailure {
  readonly reason: string;
  readonly hint: string;
}

const UNTRUSTED: TlsFailure = {
  reason: "the server's certificate is not signed by an authority that is trusted",
  hint: 'Name the authority that signed it with sslrootcert (--ssl-ca-file of a node), or correct the certificate of the server.',
};

const RENEW = 'Have it renewed, put it in place on that server and run there: pgaf reload';

/** By OpenSSL's words, as Node hands them on. */
const FAILURES: Readonly<Record<string, TlsFailure>> = {
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  CERT_HAS_EXPIRED: { reason: "the server's certificate has expired", hint: RENEW },
  CERT_NOT_YET_VALID: {
    reason: "the server's certificate is not valid yet",
    hint: 'Look at the clocks of both hosts.',
  },
  CERT_REVOKED: { reason: "the server's certificate is revoked", hint: RENEW },
  CRL_HAS_EXPIRED: {
    reason: 'the list of revoked certificates has expired',
    hint: 'Have a new list made and put it in place of the one that sslcrl names.',
  },
  UNABLE_TO_GET_CRL: {
    reason: "there is no list of revoked certificates of the server's authority",
    hint: 'Add its list to the file that sslcrl names.',
  },
};

/** Undefined for an error that is none of TLS. */
export function tlsFailure(error: unknown): TlsFailure | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  if (error.code !== 'ERR_TLS_CERT_ALTNAME_INVALID') return FAILURES[error.code];
  const { host, cert } = error as { host?: string; cert?: PeerCertificate };
  const names = cert?.subjectaltname ?? `CN=${cert?.subject.CN ?? ''}`;
  return {
    reason: `the certificate is for ${names}, not for ${host ?? 'this host'}`,
    hint: 'Connect by a name that is in the certificate, or have one made for this name.',
  };
}

/** As libpq compares: with the common name, too, when a certificate has no other names; also for an address. */
export function checkServerName(host: string, certificate: PeerCertificate): Error | undefined {
  const error = checkIdentity(host, certificate);
  const byCommonName = certificate.subjectaltname === undefined && certificate.subject.CN === host;
  return byCommonName ? undefined : error;
}
