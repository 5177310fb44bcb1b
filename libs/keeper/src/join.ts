import { EXIT, PgafError, UserError } from '@pgaf/core/errors';
import type { Logger } from '@pgaf/logging/logger';
import type { Registration } from '@pgaf/monitor-client/monitor-client';
import type { FormationView, NodeView } from '@pgaf/plugin-api';
import { findExistingPostgres, type ExistingPostgres } from '@pgaf/postgres/existing-postgres';
import { requireFreePort } from '@pgaf/postgres/free-port';
import { readPostmasterPid } from '@pgaf/postgres/postmaster-pid';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import type { Keeper } from './keeper.js';
import type { StopManner } from './stop-manner.js';
import type { MonitorLink } from './monitor-link.js';
import type { NodeConfig } from './node-config.js';
import type { Obstacle } from './run-edge.js';
import { newNodeState, readStateFile, writeStateFile, type KeeperState } from './state-file.js';

export interface JoinRequest {
  readonly config: NodeConfig;
  readonly monitor: MonitorLink;
  readonly formation: string;
  readonly kind: string;
  readonly role: string;
  /** '' for a name of the monitor's choice. */
  readonly name: string;
  /** Null lets the kind choose. */
  readonly group: number | null;
  readonly candidatePriority: number;
  readonly quorum: boolean;
  readonly cluster: string;
  readonly region: string;
  /** Than the one that an earlier call was given. */
  readonly monitorIs: 'the same' | 'another';
  /** Where an earlier call that was cut off would have registered the node; null when there was none. */
  readonly formerly: { readonly host: string; readonly port: number } | null;
  readonly log: Logger;
}

export interface Joined {
  readonly state: KeeperState;
  /** `registered`: the monitor has a new row. `resumed`: the node was registered by an earlier call. */
  readonly how: 'registered' | 'resumed';
}

/**
 * Makes this host's data directory a node of a formation, as far as the monitor and the state file go; a
 * keeper does the rest, from `init` to its goal. Before the registration nothing is left behind by a failure;
 * after it, the same call goes on where it was, and tells the monitor of a new name, host or port.
 * @throws UserError `pgdata-not-empty`, `port-in-use`, `port-forbidden`, `other-monitor`, and what the monitor refuses.
 */
export async function join(request: JoinRequest): Promise<Joined> {
  const before = readStateFile(request.config.statePath);
  if (before && before.current !== 'dropped') {
    const known = await registeredNode(request, before);
    if (known) return { state: await resume(request, before, known), how: 'resumed' };
    if (request.monitorIs === 'another') throw otherMonitor(before);
    request.log.warn(
      `The monitor has no node ${before.nodeId} "${before.name}" any more: it is registered anew`,
    );
  }
  return register(request, before?.nodeId ?? null);
}

async function register(request: JoinRequest, desiredId: number | null): Promise<Joined> {
  const { config, log } = request;
  const existing = await findExistingPostgres(config.bindir, config.pgdata);
  if (existing.tag !== 'running') await requireFreePort(config.port);
  await moveUnheardNode(request);
  const registered = await request.monitor.register({
    formation: request.formation,
    host: config.host,
    port: config.port,
    dbname: config.dbname,
    name: request.name,
    role: request.role,
    systemIdentifier: existing.tag === 'none' ? null : existing.systemIdentifier,
    desiredId,
    group: request.group,
    initialState: initialStateOf(existing),
    candidatePriority: request.candidatePriority,
    quorum: request.quorum,
    cluster: request.cluster,
    region: request.region,
  });
  const { formation, kind, role } = request;
  const state = newNodeState({ ...registered, formation, kind, role });
  try {
    writeStateFile(config.statePath, state);
  } catch (error) {
    await request.monitor.removeNode(registered.nodeId).catch(() => {
      log.warn(`Node ${registered.nodeId} stays registered; drop it by its name "${registered.name}"`);
    });
    throw error;
  }
  log.info(
    `Registered node ${registered.nodeId} "${registered.name}" in group ${registered.group} of formation "${formation}"`,
  );
  return { state, how: 'registered' };
}

/**
 * A call that was killed before it heard the monitor's answer left a node that never reported; at another place now,
 * it would be taken for a second node.
 */
async function moveUnheardNode({ config, monitor, formation, formerly, name }: JoinRequest): Promise<void> {
  const { host, port } = config;
  if (formerly === null || (formerly.host === host && formerly.port === port)) return;
  const view = await formationOf(monitor, formation);
  const unheard = view?.groups
    .flatMap((group) => group.nodes)
    .find((node) => node.host === formerly.host && node.port === formerly.port && node.reported === 'init');
  if (unheard) await monitor.updateNode(unheard.id, { name: name || unheard.name, host, port });
}

/** Null when the monitor has no such formation. */
function formationOf(monitor: MonitorLink, formation: string): Promise<FormationView | null> {
  return monitor.formationView(formation).catch((error: unknown) => {
    if (error instanceof PgafError && error.code === 'no-formation') return null;
    throw error;
  });
}

/** A primary that runs is no standby's, and a standby must not be promoted by becoming a group's first node. */
function initialStateOf(existing: ExistingPostgres): Registration['initialState'] {
  if (existing.tag === 'running') return existing.role === 'primary' ? 'single' : 'wait_standby';
  return existing.tag === 'stopped' && existing.role === 'standby' ? 'wait_standby' : 'init';
}

async function registeredNode(
  { monitor, monitorIs }: JoinRequest,
  state: KeeperState,
): Promise<NodeView | null> {
  const view = await formationOf(monitor, state.formation);
  const group = view?.groups.find((one) => one.group === state.group);
  const node = group?.nodes.find((one) => one.id === state.nodeId && one.goal !== 'dropped');
  // Ids are given from 1 on by each monitor.
  return node && (monitorIs === 'the same' || node.name === state.name) ? node : null;
}

async function resume(
  { config, monitor, name: wanted, log }: JoinRequest,
  before: KeeperState,
  known: NodeView,
): Promise<KeeperState> {
  const { host, port } = config;
  const name = wanted || known.name;
  log.info(`Resuming node ${before.nodeId} "${known.name}", which is registered already`);
  if (name !== known.name || host !== known.host || port !== known.port) {
    await monitor.updateNode(before.nodeId, { name, host, port });
    log.info(`The monitor knows node ${before.nodeId} as "${name}" (${host}:${port}) now`);
  }
  const running = await readPostmasterPid(config.pgdata);
  if (running && running.port !== port) await stopPostmaster(config.pgdata, { mode: 'fast' });
  const state = { ...before, name };
  if (name !== before.name) writeStateFile(config.statePath, state);
  return state;
}

function otherMonitor({ nodeId, name }: KeeperState): UserError {
  return new UserError(
    `The data directory is node ${nodeId} "${name}" of another monitor, which this one does not know.`,
    {
      code: 'other-monitor',
      exit: EXIT.badState,
      hint: 'Name its own monitor, or drop it there first with `pgaf drop node`.',
    },
  );
}

/**
 * Runs a keeper until its node has been created and has reached its goal, then ends it in the `manner` told.
 * @throws UserError `postgres-start-failed` when Postgres does not start, `create-blocked` when a person must do
 * something first; the node stays registered.
 */
export async function initialise(keeper: Keeper, manner: StopManner = 'orderly'): Promise<KeeperState> {
  let failure: UserError | null = null;
  keeper.onPass((state) => {
    if (isCreated(state)) keeper.stop(manner);
    if (failure !== null) return;
    if (keeper.failsToStart) failure = doesNotStart(keeper.waitingFor ?? 'its log says why');
    else if (keeper.blockedBy) failure = blocked(keeper.blockedBy);
    if (failure !== null) keeper.stop(manner === 'orderly' ? 'quick' : manner);
  });
  await keeper.run();
  if (failure !== null) throw failure;
  return keeper.state;
}

function doesNotStart(why: string): UserError {
  return new UserError(`Postgres does not start: ${why}`, {
    code: 'postgres-start-failed',
    exit: EXIT.pgctl,
    hint: 'Mend what keeps it from starting, then run the same command again: it goes on where this one ended.',
  });
}

function blocked({ reason, hint }: Obstacle): UserError {
  return new UserError(reason, {
    code: 'create-blocked',
    exit: EXIT.badState,
    hint: `${hint ?? 'Mend that.'} Then run the same command again: it goes on where this one ended.`,
  });
}

/** A node that has reached its first goal and waits for nobody to take it in. */
export function isCreated({ current, goal }: KeeperState): boolean {
  return current === goal && !UNFINISHED.has(current);
}

const UNFINISHED: ReadonlySet<string> = new Set(['init', 'wait_standby', 'dropped']);
