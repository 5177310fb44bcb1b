import { existsSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { baseFolders, type NodePaths } from '@pgaf/config/paths';
import type { ConfigFile } from '@pgaf/config/file';
import type { KeeperConfig } from '@pgaf/config/settings';
import { EXIT, UserError } from '@pgaf/core/errors';
import type { NodeConfig } from '@pgaf/keeper/node-config';
import { Secret } from '@pgaf/logging/secret';
import type { Plugin } from '@pgaf/plugin-api';
import { findBindir } from '@pgaf/postgres/binaries';
import type { ClientCertificate } from '@pgaf/postgres/upstream';
import { chooseSocketDirectory } from '@pgaf/postgres/socket-directory';
import { isBackupRate } from '../create/check-backup-rate.js';
import { postmasterLog } from './postmaster-log.js';

/** The keeper's view of its configuration file, the host's defaults filled in. */
export async function nodeConfig(
  config: KeeperConfig,
  paths: NodePaths,
  plugin: Plugin,
  file: ConfigFile | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<NodeConfig> {
  const { pgAutoctl, postgresql, ssl, replication, timeout } = config;
  const hostname = pgAutoctl.hostname ?? missing('pg_autoctl.hostname', paths.config);
  const monitor = pgAutoctl.monitor ?? missing('pg_autoctl.monitor', paths.config);
  return {
    pgdata: paths.pgdata,
    bindir: await findBindir({ pgCtl: postgresql.pgCtl, env }),
    name: pgAutoctl.name || null,
    host: hostname,
    port: postgresql.port,
    listenAddresses: postgresql.listenAddresses,
    socketDirectory: await socketDirectory(postgresql.host, paths, env),
    postmasterLog: postmasterLog(paths.pgdata),
    dbname: postgresql.dbname ?? 'postgres',
    username: postgresql.username ?? null,
    superuser: userInfo().username,
    auth: postgresql.authMethod ?? 'trust',
    hbaLevel: postgresql.hbaLevel,
    monitorHosts: parseConnInfo(monitor).hosts.map(({ host }) => host ?? ''),
    tls: {
      active: ssl.active,
      sslmode: ssl.sslmode ?? 'prefer',
      selfSigned: ssl.active && ssl.certFile === undefined,
      certFile: ssl.certFile ?? null,
      keyFile: ssl.keyFile ?? null,
      caFile: ssl.caFile ?? null,
      crlFile: ssl.crlFile ?? null,
      client: existingClientCertificate(env),
    },
    replicationPassword: replication.password === undefined ? null : new Secret(replication.password),
    passfile: paths.passfile,
    maximumBackupRate: backupRate(replication.maximumBackupRate, paths.config),
    slotBound: slotBound(replication.maxSlotWalKeepSize, paths.config),
    oldData: replication.discardOldData ? 'discard' : 'keep',
    waldir: postgresql.waldir ?? null,
    tablespaceMapping: mappingOf(replication.tablespaceMapping, paths.config),
    configPath: paths.config,
    statePath: paths.state,
    leasePath: paths.lease,
    leaseLength: timeout.networkPartitionTimeout,
    pluginSettings: pluginSettings(plugin, file),
  };
}

/** Where libpq looks for it. Named in full, since the environment of Postgres may be another one. */
export function clientCertificate(env: Readonly<Record<string, string | undefined>>): ClientCertificate {
  const folder = join(env['HOME'] || homedir(), '.postgresql');
  return {
    certFile: env['PGSSLCERT'] || join(folder, 'postgresql.crt'),
    keyFile: env['PGSSLKEY'] || join(folder, 'postgresql.key'),
  };
}

function existingClientCertificate(
  env: Readonly<Record<string, string | undefined>>,
): ClientCertificate | null {
  const files = clientCertificate(env);
  return existsSync(files.certFile) ? files : null;
}

/**
 * --pghost names a socket directory when it is a path; else it is the host's usual one, or one of ours, whose
 * name is short because the path of a socket must be.
 */
export async function socketDirectory(
  pghost: string | undefined,
  paths: NodePaths,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  if (pghost?.startsWith('/')) return pghost;
  const { runtime } = baseFolders(env, homedir());
  const digest = createHash('sha256').update(paths.pgdata).digest('hex').slice(0, 12);
  return chooseSocketDirectory(join(runtime, `pgaf-${userInfo().uid}-${digest}`));
}

/** The values of the plugin's options, its defaults where the file says nothing. */
export function pluginSettings(plugin: Plugin, file: ConfigFile | undefined): Record<string, string> {
  const section = plugin.configuration;
  const values: Record<string, string> = {};
  for (const option of section?.options ?? []) {
    const name = option.section ?? section?.name;
    const entry = file?.entries.find((one) => one.section === name && one.key === option.key);
    values[option.key] = entry?.value ?? option.default;
  }
  return values;
}

/** Refused here, because Postgres would not start with a value that it cannot read. */
function slotBound(value: string | undefined, path: string): string | null {
  if (value === undefined || value === '') return null;
  if (/^(-1|\d+ *([kMGT]B)?)$/.test(value)) return value;
  throw new UserError(`replication.max_slot_wal_keep_size in ${path} is "${value}", which is no size.`, {
    code: 'bad-setting',
    exit: EXIT.badConfiguration,
    hint: 'Set it to a size such as 20GB, to -1 for no bound, or remove the line for a quarter of the disk.',
  });
}

/** Refused here, and not by the first copy that is made with it. */
function backupRate(value: string, path: string): string {
  if (isBackupRate(value)) return value;
  throw new UserError(`replication.maximum_backup_rate in ${path} is "${value}", which is no rate.`, {
    code: 'bad-setting',
    exit: EXIT.badConfiguration,
    hint: 'Set it to a rate from 32k to 1024M; a number alone counts kilobytes a second.',
  });
}

/** `OLD=NEW, …`, absolute paths. @throws UserError `bad-setting`. */
function mappingOf(text: string | undefined, configPath: string): Map<string, string> {
  const pairs = (text ?? '').split(',').filter((pair) => pair.trim() !== '');
  return new Map(
    pairs.map((pair) => {
      const found = /^\s*(\/[^=]*?)\s*=\s*(\/.*?)\s*$/.exec(pair);
      if (found?.[1] && found[2]) return [found[1], found[2]];
      throw new UserError(`replication.tablespace_mapping in ${configPath} has "${pair.trim()}".`, {
        code: 'bad-setting',
        exit: EXIT.badConfiguration,
        hint: 'Write it as /of/the/primary=/of/this/node, with a comma between two.',
      });
    }),
  );
}

function missing(name: string, path: string): never {
  throw new UserError(`${name} is not set in ${path}.`, {
    code: 'missing-setting',
    exit: EXIT.badConfiguration,
    hint: 'Set it, or run the `pgaf create` of this node again with the option for it.',
  });
}
