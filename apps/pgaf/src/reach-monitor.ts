import { userInfo } from 'node:os';
import { formatKeywords, formatUri, type ConnInfo } from '@pgaf/conninfo/conninfo';
import { EXIT, PgafError, UserError } from '@pgaf/core/errors';
import { shellWord } from '@pgaf/core/shell-word';
import { MONITOR_DISABLED, type MonitorConfig } from '@pgaf/config/settings';
import { readPostmasterPid } from '@pgaf/postgres/postmaster-pid';
import { openMonitor, type CommandSession } from './command-session.js';
import type { CommandContext } from './command-spec.js';
import { MONITOR_DATABASE, monitorConnInfo, nodeMonitorConnInfo, splitPassword } from './monitor-conninfo.js';
import { readNode, type ConfiguredNode, type MonitorNode } from './node-files.js';

/** Flags of each command that asks the monitor. */
export interface MonitorFlags {
  readonly pgdata?: string | undefined;
  readonly monitor?: string | undefined;
  readonly formation?: string | undefined;
}

/** Where the monitor is, and what the command is about when its flags do not say. */
export interface MonitorPlace {
  readonly conninfo: string;
  /** The URI that nodes and clients use, without a password; null when only the local way in is known. */
  readonly uri: string | null;
  readonly formation: string;
  /** The group of the local node. */
  readonly group: number | null;
  /** Its name. */
  readonly node: string | null;
  /** How clients shall connect, for URIs that are printed. */
  readonly tls: ClientTls;
}

/** What a URI tells a client of TLS; the files matter to the modes that verify. */
export interface ClientTls {
  readonly sslmode: string;
  readonly sslrootcert: string | null;
  readonly sslcrl: string | null;
}

/**
 * --monitor, else the node of --pgdata, else PG_AUTOCTL_MONITOR, else the node of PGDATA.
 * @throws UserError when none of them is given.
 */
export async function findMonitor(flags: MonitorFlags, context: CommandContext): Promise<MonitorPlace> {
  const { log, env } = context;
  if (flags.monitor === '') {
    throw new UserError('--monitor is empty.', {
      code: 'no-monitor',
      exit: EXIT.badArguments,
      hint: 'Give the connection string that `pgaf show uri --formation monitor` prints on the monitor.',
    });
  }
  if (flags.monitor !== undefined) {
    if (flags.pgdata !== undefined) log.warn('--monitor is given, so --pgdata is ignored.');
    return placeOf(flags.monitor, '--monitor', flags);
  }
  if (flags.pgdata === undefined && env['PG_AUTOCTL_MONITOR'])
    return placeOf(env['PG_AUTOCTL_MONITOR'], 'PG_AUTOCTL_MONITOR', flags);
  if (flags.pgdata === undefined && !env['PGDATA']) {
    throw new UserError('It is not known which monitor to ask.', {
      code: 'no-monitor',
      exit: EXIT.badArguments,
      hint: 'Set --monitor or PG_AUTOCTL_MONITOR, or name a node of it with --pgdata or PGDATA.',
    });
  }
  return placeFromNode(await readNode(flags.pgdata, context), flags);
}

/** The URI that nodes and clients use, as above. On the monitor it is configured, and it need not run for it. */
export async function findMonitorUri(flags: MonitorFlags, context: CommandContext): Promise<string | null> {
  const { env } = context;
  const isLocal = flags.pgdata !== undefined || (!env['PG_AUTOCTL_MONITOR'] && Boolean(env['PGDATA']));
  if (flags.monitor === undefined && isLocal) {
    const node = await readNode(flags.pgdata, context);
    if (node.role === 'monitor') return configuredUri(node);
  }
  return (await findMonitor(flags, context)).uri;
}

function placeOf(uri: string, where: string, flags: MonitorFlags): MonitorPlace {
  const conninfo = monitorConnInfo(uri, where);
  return {
    conninfo: uri,
    uri: splitPassword(uri, where).uri,
    formation: flags.formation ?? 'default',
    group: null,
    node: null,
    tls: clientTls(conninfo.sslmode, conninfo.sslrootcert, conninfo.sslcrl),
  };
}

/** As the reference has it: who does not verify needs no files. */
export function clientTls(
  sslmode: string | undefined,
  rootFile: string | undefined,
  crlFile: string | undefined,
): ClientTls {
  const verifies = sslmode?.startsWith('verify-') === true;
  return {
    sslmode: sslmode ?? 'prefer',
    sslrootcert: (verifies ? rootFile : undefined) ?? null,
    sslcrl: (verifies ? crlFile : undefined) ?? null,
  };
}

async function placeFromNode(node: ConfiguredNode, flags: MonitorFlags): Promise<MonitorPlace> {
  if (node.role === 'monitor') return placeOfMonitor(node, flags);
  const { monitor, formation, group } = node.config.pgAutoctl;
  if (monitor === undefined || monitor === MONITOR_DISABLED) {
    throw new UserError('This node has no monitor.', {
      code: 'monitor-disabled',
      exit: EXIT.badArguments,
      hint: 'Give one with --monitor.',
    });
  }
  const { ssl } = node.config;
  const where = `pg_autoctl.monitor in ${node.paths.config}`;
  const place = placeOf(monitor, where, flags);
  return {
    ...place,
    conninfo: formatKeywords(nodeMonitorConnInfo(node.config, where)),
    formation: flags.formation ?? formation,
    group: flags.formation === undefined || flags.formation === formation ? (group ?? null) : null,
    node: node.config.pgAutoctl.name ?? null,
    tls: ssl.sslmode === undefined ? place.tls : clientTls(ssl.sslmode, ssl.caFile, ssl.crlFile),
  };
}

/** The monitor's own connection string, as its nodes are given it. */
export function monitorUri(hostname: string, port: number, tls: ClientTls): string {
  const { sslmode, sslrootcert, sslcrl } = tls;
  return formatUri({
    hosts: [{ host: hostname, port }],
    user: 'autoctl_node',
    dbname: MONITOR_DATABASE,
    sslmode: sslmode as NonNullable<ConnInfo['sslmode']>,
    ...(sslrootcert === null ? {} : { sslrootcert }),
    ...(sslcrl === null ? {} : { sslcrl }),
    rest: {},
  });
}

/** On the monitor itself the way in is its socket, which asks for no password. */
async function placeOfMonitor({ config, paths }: MonitorNode, flags: MonitorFlags): Promise<MonitorPlace> {
  const running = await readPostmasterPid(paths.pgdata);
  if (!running) {
    throw new PgafError('The Postgres of the monitor is not running.', {
      code: 'monitor-down',
      exit: EXIT.monitor,
      hint: `Start it: pgaf run --pgdata ${shellWord(paths.pgdata)}`,
    });
  }
  const host = running.socketDirectory || '127.0.0.1';
  return {
    conninfo: formatKeywords({
      hosts: [{ host, port: running.port }],
      // Whom the socket lets in; not $USER, which any program may have set.
      user: userInfo().username,
      dbname: MONITOR_DATABASE,
      rest: {},
    }),
    uri: configuredUri({ config }),
    formation: flags.formation ?? 'default',
    group: null,
    node: null,
    tls: configuredTls(config),
  };
}

function configuredUri({ config }: { readonly config: MonitorConfig }): string | null {
  const { hostname } = config.pgAutoctl;
  return hostname ? monitorUri(hostname, config.postgresql.port, configuredTls(config)) : null;
}

function configuredTls({ ssl }: MonitorConfig): ClientTls {
  return clientTls(ssl.sslmode, ssl.caFile, ssl.crlFile);
}

/** Opens the monitor of these flags for the work and closes it after. */
export async function withMonitor<T>(
  flags: MonitorFlags,
  context: CommandContext,
  work: (session: CommandSession, place: MonitorPlace) => Promise<T>,
): Promise<T> {
  const place = await findMonitor(flags, context);
  const session = await openMonitor(place, context.log);
  try {
    return await work(session, place);
  } finally {
    await session.close();
  }
}
