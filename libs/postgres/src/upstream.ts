import { formatKeywords, type ConnInfo, type SslMode } from '@pgaf/conninfo/conninfo';

/** By which a client logs in where the method is `cert`; paths. */
export interface ClientCertificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Where a node copies from, and how it logs in there. */
export interface Upstream {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly dbname?: string | undefined;
  /** A file with the password, as libpq reads it; its owner alone may read it. */
  readonly passfile?: string | undefined;
  readonly sslMode: SslMode;
  readonly sslRootCert?: string | undefined;
  readonly sslCrl?: string | undefined;
  readonly clientCertificate?: ClientCertificate | undefined;
}

const CONNECT_TIMEOUT_S = 2;

/**
 * The connection string of libpq. `applicationName` decides whether a connection counts as a synchronous standby: give a
 * standby's name to nothing but the standby's own stream.
 */
export function upstreamConninfo(upstream: Upstream, applicationName: string): string {
  const { host, port, user, dbname, passfile, sslMode, sslRootCert, sslCrl, clientCertificate } = upstream;
  const conninfo: ConnInfo = {
    applicationName,
    hosts: [{ host, port }],
    user,
    ...(dbname === undefined ? {} : { dbname }),
    ...(passfile === undefined ? {} : { passfile }),
    sslmode: sslMode,
    ...(sslRootCert === undefined ? {} : { sslrootcert: sslRootCert }),
    ...(sslCrl === undefined ? {} : { sslcrl: sslCrl }),
    ...(clientCertificate === undefined
      ? {}
      : { sslcert: clientCertificate.certFile, sslkey: clientCertificate.keyFile }),
    connectTimeout: CONNECT_TIMEOUT_S,
    rest: {},
  };
  return formatKeywords(conninfo);
}
