import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT, PgafError, UserError } from '@pgaf/core/errors';
import { canTakeWrites } from '@pgaf/core/states';
import { Keeper, type KeeperEnd, type Opening } from '@pgaf/keeper/keeper';
import type { KeeperState } from '@pgaf/keeper/state-file';
import { findPostmaster } from '@pgaf/postgres/find-postmaster';
import { checkMonitor } from '../create/check-monitor.js';
import type { CommandContext } from '../command-spec.js';
import type { KeeperNode } from '../node-files.js';
import { nodeMonitorConnInfo } from '../monitor-conninfo.js';
import { registeredState } from '../registered-state.js';
import type { PidFile } from '../pid-file.js';
import { openMonitorLink } from './monitor-link.js';
import { nodeConfig } from './node-config.js';
import { requirementsOf } from './role-requirements.js';
import { reloadKeeper, type RunningKeeper } from './reload-keeper.js';
import { ReplaceableLink } from './replaceable-link.js';
import type { StopSignals } from './stop-signals.js';
import { pause, supervise } from './supervise.js';

/** One that is there says whether it refuses this program before Postgres is started. */
const MONITOR_ANSWERS_WITHIN: Milliseconds = 500;

/** The keeper of a node, started again when it fails; Postgres runs on meanwhile. */
export async function runKeeper(
  node: KeeperNode,
  context: CommandContext,
  pidFile: PidFile,
  signals: StopSignals,
  opening: Opening = 'confirmed',
): Promise<KeeperEnd> {
  let current: RunningKeeper | null = null;
  let inForce = node;
  let reloading = Promise.resolve();
  signals.onStop((manner) => current?.keeper.stop(manner));
  signals.onReload(() => {
    // One after the other: each compares with what the one before has put into force.
    reloading = reloading.then(async () => {
      if (current) inForce = await reloadKeeper(inForce, current, context);
    });
  });
  pidFile.setServices([{ pid: process.pid, name: 'node-active' }]);
  // A state file that is missing or damaged stays so after a restart.
  const state = registeredState(node.paths);
  if (opening === 'byForce') requirePrimary(state);
  let refusal: unknown = null;
  // A refusal that comes late ends what this keeper has started, and leaves what was there.
  const retreat = (await findPostmaster(node.paths.pgdata)) === undefined ? 'quick' : 'handOff';
  const asked = refusalOfMonitor(node).then((found) => {
    refusal = found;
    if (found !== null) current?.keeper.stop(retreat);
  });
  // A monitor that is away is not waited for.
  await Promise.race([asked, pause(MONITOR_ANSWERS_WITHIN, signals.stopping)]);
  if (refusal !== null) throw refusal;
  const end = await supervise(
    'keeper',
    async () => {
      const running = await keeperFor(inForce, context, current?.keeper.opening ?? opening);
      const manner = signals.manner();
      if (manner !== null) running.keeper.stop(manner);
      if (refusal !== null) running.keeper.stop(retreat);
      current = running;
      running.keeper.onPass(() => tell(pidFile, running.keeper.waitingFor));
      return running.keeper.run();
    },
    context.log,
    signals.stopping,
  );
  if (refusal !== null) throw refusal;
  return end;
}

/**
 * Why this program must not talk to the monitor; null when it may, or when nobody knows yet. Asked once: a keeper
 * that runs goes on with the monitor that it has.
 */
async function refusalOfMonitor({ config, paths }: KeeperNode): Promise<unknown> {
  try {
    await checkMonitor(nodeMonitorConnInfo(config, `pg_autoctl.monitor in ${paths.config}`));
    return null;
  } catch (error) {
    return error instanceof PgafError && error.exit === EXIT.schemaVersion ? error : null;
  }
}

/** Of the log's sentences the one that `status` shows, too; on a full disk it is in the log alone. */
function tell(pidFile: PidFile, waiting: string | null): void {
  try {
    pidFile.setWaiting(waiting);
  } catch {
    // The keeper goes on: what it waits for may be that there is room again.
  }
}

/** What a node has sworn, or another one may have been ordered since, is no operator's to take back here. */
function requirePrimary({ name, current, goal, stopped }: KeeperState): void {
  if (canTakeWrites(current) && canTakeWrites(goal) && stopped === null) return;
  throw new UserError(`--force opens a primary, and ${name} is ${current}.`, {
    code: 'not-the-primary',
    exit: EXIT.badArguments,
    hint: 'Another node may take writes. Run it without --force: it waits for the monitor.',
  });
}

/** A keeper with everything that its kind and role bring. @throws PgafError `not-registered`. */
export async function keeperFor(
  node: KeeperNode,
  context: CommandContext,
  opening: Opening = 'confirmed',
): Promise<RunningKeeper> {
  const state = registeredState(node.paths);
  const { host, log, env } = context;
  const plugin = host.plugin(state.kind);
  const conninfo = nodeMonitorConnInfo(node.config, `pg_autoctl.monitor in ${node.paths.config}`);
  const link = new ReplaceableLink(openMonitorLink(conninfo, log));
  const keeper = new Keeper({
    config: await nodeConfig(node.config, node.paths, plugin, node.file, env),
    state,
    monitor: link,
    edges: host.edgeTable(state.kind, state.role),
    part: await host.keeperPart(state.kind),
    requirements: requirementsOf({ plugin, role: { name: state.role } }),
    log,
    opening,
  });
  return { keeper, link };
}
