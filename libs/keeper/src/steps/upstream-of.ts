import { REPLICATION_ROLE } from '@pgaf/postgres/roles';
import { writeUpstreamPassfile } from '@pgaf/postgres/upstream-passfile';
import type { Upstream } from '@pgaf/postgres/upstream';
import type { Peer } from '@pgaf/monitor-client/reports';
import type { NodeConfig } from '../node-config.js';

/** How this node logs in to another one, to copy, to stream or to rewind; its passfile is in place by then. */
export async function upstreamOf(config: NodeConfig, node: Peer): Promise<Upstream> {
  await writePassfile(config);
  const { tls } = config;
  const verifies = tls.sslmode.startsWith('verify-');
  return {
    host: node.host,
    port: node.port,
    user: REPLICATION_ROLE,
    dbname: config.dbname,
    passfile: config.replicationPassword === null ? undefined : config.passfile,
    sslMode: tls.sslmode,
    sslRootCert: verifies ? (tls.caFile ?? undefined) : undefined,
    sslCrl: verifies ? (tls.crlFile ?? undefined) : undefined,
    clientCertificate: tls.client ?? undefined,
  };
}

/** Puts the password where libpq looks for it; a walreceiver reads it at each connection. */
export async function writePassfile({ passfile, replicationPassword }: NodeConfig): Promise<void> {
  await writeUpstreamPassfile(passfile, replicationPassword?.reveal() ?? null);
}
