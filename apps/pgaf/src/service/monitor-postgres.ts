import type { MonitorPostgres } from '@pgaf/monitor/create';
import { ensureSelfSignedCertificate } from '@pgaf/postgres/certificates';
import type { SslFiles } from '@pgaf/postgres/data-node-settings';
import { findBindir } from '@pgaf/postgres/binaries';
import type { MonitorConfig } from '@pgaf/config/settings';
import { ownHostname } from '../create/find-hostname.js';
import type { CommandContext } from '../command-spec.js';
import type { MonitorNode } from '../node-files.js';
import { socketDirectory } from './node-config.js';
import { postmasterLog } from './postmaster-log.js';

/** The Postgres of a monitor as its configuration says. A certificate of our own is made when there is none yet. */
export async function monitorPostgres(
  { paths, config }: Pick<MonitorNode, 'paths' | 'config'>,
  { env }: Pick<CommandContext, 'env'>,
): Promise<MonitorPostgres> {
  const { pgAutoctl, postgresql, ssl } = config;
  return {
    bindir: await findBindir({ pgCtl: postgresql.pgCtl, env }),
    pgdata: paths.pgdata,
    port: postgresql.port,
    listenAddresses: postgresql.listenAddresses,
    socketDirectory: await socketDirectory(postgresql.host, paths, env),
    logFile: postmasterLog(paths.pgdata),
    ssl: await sslFiles(paths.pgdata, pgAutoctl.hostname, ssl),
    authMethod: postgresql.authMethod ?? 'trust',
    hba: postgresql.hbaLevel === 'skip' ? 'skip' : 'lan',
  };
}

async function sslFiles(
  pgdata: string,
  hostname: string | undefined,
  ssl: MonitorConfig['ssl'],
): Promise<SslFiles | undefined> {
  if (!ssl.active) return undefined;
  const optional = { caFile: ssl.caFile, crlFile: ssl.crlFile };
  if (ssl.certFile !== undefined && ssl.keyFile !== undefined) {
    return { ...optional, certFile: ssl.certFile, keyFile: ssl.keyFile };
  }
  const { certFile, keyFile } = await ensureSelfSignedCertificate(pgdata, hostname ?? (await ownHostname()));
  return { ...optional, certFile, keyFile };
}
