import { readConfigFile, writeConfigFile } from '@pgaf/config/file';
import { resolve } from '@pgaf/config/precedence';
import { keeperSettings, monitorSettings } from '@pgaf/config/settings';
import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT, UserError } from '@pgaf/core/errors';
import { writeStateFile } from '@pgaf/keeper/state-file';
import { findPostmaster } from '@pgaf/postgres/find-postmaster';
import type { CommandContext } from '../command-spec.js';
import { AwaitedServer } from '../create/await-server.js';
import { requireNodeName } from '../create/check-names.js';
import { nodeMonitorConnInfo } from '../monitor-conninfo.js';
import { keeperFileSchema, readNode, type ConfiguredNode, type KeeperNode } from '../node-files.js';
import { readPidFile } from '../pid-file.js';
import { registeredState } from '../registered-state.js';
import { openMonitorLink } from './monitor-link.js';

/** The name and the address that a service is to have from now on; what is absent stays. */
export interface PlaceFlags {
  readonly name?: string | undefined;
  readonly hostname?: string | undefined;
  readonly pgport?: string | undefined;
}

/** For how long a monitor that is away is waited for, and what ends that sooner. */
export interface Patience {
  readonly limit: Milliseconds;
  readonly stopping: AbortSignal;
}

const NONE: Patience = { limit: 0, stopping: new AbortController().signal };

/**
 * Writes a name and an address into the configuration, once the monitor has taken them. It is not asked where nothing
 * is new, so that a service that is always started with them starts without it, too.
 * @throws UserError `bad-setting`, `bad-name`, `postgres-running`; MonitorError, exit 6, when the monitor does not take them: then
 * nothing has changed.
 */
export async function moveNode(
  node: ConfiguredNode,
  { name, hostname, pgport }: PlaceFlags,
  context: CommandContext,
  patience: Patience = NONE,
): Promise<ConfiguredNode> {
  if (name === undefined && hostname === undefined && pgport === undefined) return node;
  const { paths, file, role } = node;
  const flags = { pgdata: paths.pgdata, name, hostname, pgport };
  if (role === 'monitor' && name !== undefined) throw monitorHasNoName();
  if (name !== undefined) requireNodeName(name);
  const schema = role === 'monitor' ? monitorSettings : keeperFileSchema(context);
  const { config } = resolve(schema, { flags, file });
  const { port } = (
    role === 'monitor' ? resolve(monitorSettings, { flags, file }) : resolve(keeperSettings, { flags, file })
  ).config.postgresql;
  if (port !== node.config.postgresql.port && (await findPostmaster(paths.pgdata))) throw runsElsewhere(node);
  if (role === 'keeper') await tellMonitor(node, { name, hostname, port }, patience, context);
  await writeConfigFile(paths.config, schema, config, await readConfigFile(paths.config, schema));
  return readNode(paths.pgdata, context);
}

async function tellMonitor(
  { config, paths }: KeeperNode,
  to: { readonly name: string | undefined; readonly hostname: string | undefined; readonly port: number },
  { limit, stopping }: Patience,
  { log }: CommandContext,
): Promise<void> {
  const state = registeredState(paths);
  const name = to.name ?? state.name;
  const host = to.hostname ?? config.pgAutoctl.hostname ?? '';
  const isNew =
    name !== state.name || host !== config.pgAutoctl.hostname || to.port !== config.postgresql.port;
  if (!isNew) return;
  const conninfo = nodeMonitorConnInfo(config, `pg_autoctl.monitor in ${paths.config}`);
  const monitor = new AwaitedServer(conninfo, limit, log);
  const link = openMonitorLink(conninfo, log);
  try {
    await monitor.use(() => link.updateNode(state.nodeId, { name, host, port: to.port }), stopping);
  } finally {
    await link.close();
  }
  // A keeper that runs keeps its own file, and may have put an oath into it meanwhile.
  const service = readPidFile(paths.pid);
  const isServed = service?.alive === true && service.service.pid !== process.pid;
  if (!isServed) writeStateFile(paths.state, { ...state, name });
  log.info(`The monitor knows this node as "${name}" at ${host}:${to.port} now`);
}

function monitorHasNoName(): UserError {
  return new UserError('--name is for a node: a monitor has none.', {
    code: 'name-of-monitor',
    exit: EXIT.badArguments,
    hint: 'Leave --name out.',
  });
}

function runsElsewhere({ config, paths }: ConfiguredNode): UserError {
  return new UserError(`Postgres of "${paths.pgdata}" is running on port ${config.postgresql.port}.`, {
    code: 'postgres-running',
    exit: EXIT.badState,
    hint: 'Stop it before it gets another port.',
  });
}
