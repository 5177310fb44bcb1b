import { done, retry, type Outcome } from '@pgaf/core/result';
import { canTakeWrites, promises, type State } from '@pgaf/core/states';
import type { GroupSnapshot } from '@pgaf/plugin-api/snapshot';
import type { Step, StepName } from '@pgaf/plugin-api/steps';
import type { KeeperMemory } from './keeper-memory.js';
import type { ModelPostgres } from './model-postgres.js';
import { STANDBY, STOPPED } from './postgres-of-state.js';
import { NO_SYNC } from './replication.js';
import { isPrefix, leftAt } from './wal.js';
import type { World } from './world.js';

/** What a step of one node can see and change. */
export interface StepContext {
  readonly world: World;
  readonly postgres: ModelPostgres;
  readonly memory: KeeperMemory;
  /** Written to disk before the step goes on. */
  readonly remember: (change: Partial<KeeperMemory>) => void;
  readonly group: GroupSnapshot;
  /** How Postgres may be started for writes: with its clients, without them, or null for not at all. */
  readonly opening: () => 'admitted' | 'rejected' | null;
  readonly abandon: (reason: string) => void;
  /** Nothing came from the node that it was to receive from. */
  readonly receivedNothing: (source: number) => void;
  /** Of this run of this step alone: lost with the keeper. */
  readonly scratch: Scratch;
}

export interface Scratch {
  begun?: boolean;
  checkpoint?: number;
  /** When the proof of the setting began, and the position it is about. */
  provedAt?: number;
  position?: number;
  readyAt?: number;
}

/** `again`: under way; look again soon. Each call is a point where the keeper may be killed. */
export type Progress = Outcome | 'again';

type Action = (context: StepContext) => Progress;

/** One attempt; then it is looked at again what is to be done. */
const FAST_FORWARD_TRY = 1000;
/** One that is told to stop and does not answer. */
const KILLED_AFTER = 7000;
const NO_LEADER = retry('the group has no primary to follow');
const LARGEST_LAG = 16 * 1024 * 1024;

export function runStepOnModel(step: Step, context: StepContext): Progress {
  return step.do === 'plugin' ? done : ACTIONS[step.do](context);
}

const ACTIONS: Readonly<Record<Exclude<StepName, 'plugin'>, Action>> = {
  initdb: ({ postgres, memory }) => {
    postgres.initdb(memory.epoch);
    return done;
  },

  copyFromLeader: (context) => {
    const { postgres, scratch } = context;
    if (postgres.isAlive) return stop(postgres);
    if (postgres.usable && !scratch.begun) postgres.usable = false;
    return copy(context);
  },

  rewindOrCopy: (context) => {
    const { postgres, memory, remember, scratch } = context;
    if (postgres.isAlive) return stop(postgres);
    const source = reachableLeader(context);
    if (!source) return retry('the leader cannot be reached');
    if (!scratch.begun) {
      if (!staysStopped(memory)) remember({ stopped: null });
      if (!postgres.strayed && hasNothingToTakeBack(postgres, source)) return keepAsStandby(postgres);
      postgres.usable = false;
    }
    return copy(context);
  },

  writeSettings: () => done,
  createRoles: () => done,

  writePrimaryConfig: ({ postgres }) => {
    postgres.configure({ standby: postgres.neverLeftRecovery, upstream: null });
    return done;
  },

  writeStandbyConfig: ({ postgres, group, memory }) => {
    if (group.leader === null || group.leader === memory.nodeId) return NO_LEADER;
    const others = group.nodes.filter(({ id, goal }) => id !== memory.nodeId && goal !== 'dropped');
    const sync = { version: 0, required: 1, members: others.map(({ id }) => id) };
    noteLostSignal(postgres, memory);
    postgres.configure({ standby: true, upstream: postgres.strayed ? null : group.leader, sync });
    return done;
  },

  followLeader: ({ postgres, group, memory }) => {
    if (group.leader === null || group.leader === memory.nodeId) return NO_LEADER;
    postgres.configure({ upstream: postgres.strayed ? null : group.leader });
    postgres.reload();
    return done;
  },

  startPostgres: (context) => {
    const { postgres, memory, remember, opening, scratch } = context;
    if (postgres.isDoomed) return 'again';
    const isTakenBack = postgres.strayed && isToFollow(memory) && reachableLeader(context) !== null;
    if (postgres.life === 'up') return isTakenBack && !memory.paused ? stop(postgres) : done;
    if (postgres.leftOvers) postgres.endLeftOvers();
    if (postgres.life !== 'down') return 'again';
    if ((!postgres.usable && isToFollow(memory)) || isTakenBack) return copyAgain(context);
    if (scratch.begun) return retry('Postgres does not start');
    if (staysStopped(memory)) return retry('Postgres stays stopped below a later epoch');
    const clients = canTakeWrites(memory.goal) ? opening() : 'admitted';
    if (clients === null) return retry('nobody has confirmed that this node is still the primary');
    scratch.begun = true;
    keepUnpromotedInRecovery(postgres, memory);
    remember({ stopped: null, orderTakenBack: false });
    postgres.start(memory.epoch, clients);
    return 'again';
  },

  stopPostgres: ({ world, postgres, group, memory, scratch }) => {
    const isReplaced =
      group.leader !== null && group.leader !== memory.nodeId && canTakeWrites(memory.current);
    if (isReplaced && postgres.life === 'up' && postgres.hungFor === 0) postgres.kill();
    if (!postgres.isAlive) return done;
    scratch.readyAt ??= world.queue.now + KILLED_AFTER;
    if (postgres.hungFor > 0 && world.queue.now >= scratch.readyAt) postgres.kill();
    return postgres.isDoomed && STOPPED.has(memory.goal) ? done : stop(postgres);
  },

  checkpoint: ({ postgres, scratch }) => {
    if (postgres.life !== 'up' || postgres.hungFor > 0) return done;
    scratch.checkpoint ??= postgres.checkpointer.ask();
    return postgres.checkpointer.isDone(scratch.checkpoint) ? done : 'again';
  },

  verifyTarget: ({ postgres, group, abandon }) => {
    const target = group.switchoverTarget;
    if (postgres.life !== 'up' || target === null) return done;
    const stream = postgres.senders.get(target);
    if (stream && postgres.flushed - stream.flushed <= LARGEST_LAG) return done;
    abandon(`node ${target} does not stream`);
    return retry(`node ${target} does not stream`);
  },

  verifySuccessor: ({ postgres, group, memory, abandon }) => {
    const others = group.nodes.filter(({ id, goal }) => id !== memory.nodeId && goal !== 'dropped');
    const isSucceeded = group.leader !== memory.nodeId || others.some(({ goal }) => promises(goal));
    if (postgres.life !== 'up' || postgres.hungFor > 0 || isSucceeded || others.length === 0) return done;
    const isClose = others.some(({ id, goal, candidatePriority }) => {
      const stream = postgres.senders.get(id);
      const mayTakeOver = goal === 'secondary' && candidatePriority > 0;
      return mayTakeOver && stream && postgres.flushed - stream.flushed <= LARGEST_LAG;
    });
    if (isClose) return done;
    abandon('nobody who may take over streams');
    return retry('nobody who may take over streams');
  },

  recordStop: ({ postgres, memory, remember }) => {
    if (postgres.isAlive && !postgres.isDoomed) return retry('Postgres still runs');
    remember({ stopped: oathOfStop(postgres, memory) });
    return done;
  },

  maintainSlots: ({ postgres, group, memory }) => {
    maintainSlots(postgres, group, memory.nodeId);
    return done;
  },

  setSyncStandbys: ({ postgres, group, scratch }) => {
    // Also what the keeper knows to have been read, and spares.
    if (!scratch.begun) {
      scratch.begun = true;
      postgres.configure({ sync: group.settingsInForce.at(-1) ?? NO_SYNC });
      postgres.reload();
    }
    return postgres.configuration.sync.required === 0 || postgres.isTold ? done : 'again';
  },

  confirmSyncStandbys: ({ world, postgres, group, remember, scratch }) => {
    const { version, required, members } = postgres.configuration.sync;
    if (version !== group.settingsInForce.at(-1)?.version) return retry('another setting is assigned by now');
    if (postgres.life !== 'up') return retry('Postgres is not running');
    scratch.checkpoint ??= postgres.checkpointer.ask();
    if (!postgres.checkpointer.isDone(scratch.checkpoint)) return 'again';
    if (scratch.position === undefined) {
      scratch.position = postgres.written;
      scratch.provedAt = world.queue.now;
      postgres.streams.requestReplies();
    }
    const { position, provedAt = 0 } = scratch;
    const proved = members.filter((id) => {
      const stream = postgres.senders.get(id);
      return stream && stream.flushed >= position && stream.repliedAt > provedAt;
    });
    if (proved.length < required) return 'again';
    remember({ confirmedSetting: version });
    return done;
  },

  promise: (context) => {
    const { postgres, memory, remember, scratch } = context;
    if (memory.promised <= memory.epoch) remember({ promised: memory.epoch + 1 });
    if (!scratch.begun) {
      scratch.begun = true;
      noteLostSignal(postgres, memory);
      postgres.configure({ standby: true, upstream: null });
      postgres.reload();
      return 'again';
    }
    if (postgres.life === 'down' && !postgres.leftOvers) startInRecovery(context);
    // One that somebody opened promises nothing, and goes on open.
    return isCutOff(postgres) || postgres.openedByHand ? done : 'again';
  },

  fastForward: (context) => {
    const { world, postgres, group, memory, scratch, receivedNothing } = context;
    const source = group.nodes.find(
      ({ id, reported }) => id === group.walSource && reported === 'report_lsn',
    );
    const { promise } = source?.report.facts ?? {};
    if (!source || promise?.epoch !== group.epoch + 1) return retry('no node is named to receive from');
    if (postgres.life === 'down' && !postgres.leftOvers) startInRecovery(context);
    if (postgres.life !== 'up') return 'again';
    if (postgres.branch.tli >= promise.tli && BigInt(postgres.flushed) >= promise.lsn) return done;
    if (postgres.strayed) return retry('somebody opened this standby for writes');
    if (!scratch.begun) {
      scratch.begun = true;
      noteLostSignal(postgres, memory);
      scratch.readyAt = world.queue.now + FAST_FORWARD_TRY;
      postgres.configure({ standby: true, upstream: source.id });
      postgres.reload();
    }
    if (world.queue.now < (scratch.readyAt ?? 0)) return 'again';
    if (!postgres.receiver) receivedNothing(source.id);
    return retry('nothing was received');
  },

  promote: ({ postgres, group, memory, remember, opening }) => {
    if (postgres.life === 'up' && postgres.inRecovery && opening() !== 'admitted')
      return retry('nobody has confirmed that this node takes over');
    if (postgres.life === 'down') {
      keepUnpromotedInRecovery(postgres, memory);
      postgres.start(memory.epoch);
    }
    if (postgres.life !== 'up') return 'again';
    if (postgres.inRecovery) {
      postgres.promote(memory.epoch, highestTimelineMade(group, memory));
      return 'again';
    }
    if (opensAgain(postgres, memory)) return done;
    if (postgres.openedByHand) postgres.takeOverAsOpened(memory.epoch);
    const { tli, epoch } = postgres.branch;
    const before = group.lineage.findLast((promotion) => promotion.epoch < memory.epoch);
    const switchpoint = leftAt(postgres.branch, before?.tli ?? tli);
    remember({ promoted: { epoch, tli, switchpoint }, stopped: null, orderTakenBack: false });
    return done;
  },

  awaitStreaming: ({ postgres, group }) => {
    const stream = postgres.receiver;
    if (stream?.upstream.id !== group.leader) return retry('this standby does not stream from the leader');
    return postgres.branch === stream.upstream.branch ? done : 'again';
  },
};

/** By any node of the group before; one that was lost at once may have made one that nobody was told of. */
function highestTimelineMade({ lineage }: GroupSnapshot, { epoch }: KeeperMemory): number {
  const last = lineage.findLast((promotion) => promotion.epoch < epoch);
  return last ? last.tli + (epoch - 1 - last.epoch) : 0;
}

const FOLLOWING: ReadonlySet<State> = new Set(['catchingup', 'secondary', 'join_secondary']);

function isToFollow({ goal, epoch, promised }: KeeperMemory): boolean {
  return FOLLOWING.has(goal) && promised <= epoch;
}

/** A copy or a rewind that was cut off is started over before anything starts from it. */
function copyAgain(context: StepContext): Progress {
  const progress = copy(context);
  if (progress === 'again' || progress.tag !== 'done') return progress;
  context.scratch.begun = false;
  return 'again';
}

/** A leader that stopped goes on on the timeline that it wrote. */
function opensAgain({ branch }: ModelPostgres, { current, epoch }: KeeperMemory): boolean {
  return STOPPED.has(current) && branch.epoch < epoch;
}

/** What a promotion left that was cut off is no promotion. */
export function keepUnpromotedInRecovery(postgres: ModelPostgres, memory: KeeperMemory): void {
  if (!STANDBY.has(memory.current) || wasPromoted(memory)) return;
  noteLostSignal(postgres, memory);
  postgres.configure({ standby: true });
}

/** Nothing but a promotion takes the signal away, and this one was by nobody's order. */
function noteLostSignal(postgres: ModelPostgres, memory: KeeperMemory): void {
  const { current, goal, orderTakenBack } = memory;
  if (!STANDBY.has(current) || !STANDBY.has(goal) || wasPromoted(memory) || orderTakenBack) return;
  if (postgres.usable && !postgres.configuration.standby) postgres.strayed = true;
}

function startInRecovery({ postgres, memory, remember }: StepContext): void {
  keepUnpromotedInRecovery(postgres, memory);
  remember({ orderTakenBack: false });
  postgres.start(memory.epoch);
}

/** In this epoch: its next start opens it, whatever state it has reached. */
export function wasPromoted({ promoted, epoch }: KeeperMemory): boolean {
  return promoted?.epoch === epoch;
}

/** What a node whose Postgres has stopped can swear. */
export function oathOfStop(postgres: ModelPostgres, { epoch }: KeeperMemory): KeeperMemory['stopped'] {
  const clean = postgres.usable && postgres.stoppedCleanly;
  return { belowEpoch: epoch + 1, finalLsn: clean ? postgres.flushed : null };
}

/** It has sworn not to start in this epoch. */
export function staysStopped({ epoch, stopped }: KeeperMemory): boolean {
  return stopped !== null && epoch < stopped.belowEpoch;
}

/** A leader that crashed writes when it recovers, and so has parted from the source even if it had not before. */
function hasNothingToTakeBack(postgres: ModelPostgres, source: ModelPostgres): boolean {
  const { usable, stoppedCleanly, configuration, branch, flushed } = postgres;
  const writesNothing = stoppedCleanly || (configuration.standby && branch === source.branch);
  return usable && writesNothing && isPrefix(branch, flushed, source.branch, source.flushed);
}

/** Whatever is rewound or copied cannot come up as a leader. */
function keepAsStandby(postgres: ModelPostgres): Progress {
  postgres.configure({ standby: true });
  return done;
}

/** Nothing can add to this standby's WAL any more, and all that it has is counted. */
export function isCutOff(postgres: ModelPostgres): boolean {
  return (
    postgres.life === 'up' &&
    postgres.inRecovery &&
    postgres.replayed &&
    postgres.conninfo === null &&
    !postgres.isReceiving
  );
}

export function maintainSlots(postgres: ModelPostgres, group: GroupSnapshot, self: number): void {
  for (const { id, goal } of group.nodes) if (id !== self && goal !== 'dropped') postgres.slots.add(id);
  for (const id of postgres.slots) {
    if (!group.nodes.some((node) => node.id === id && node.goal !== 'dropped')) postgres.slots.delete(id);
  }
}

function stop(postgres: ModelPostgres): Progress {
  postgres.stop();
  return 'again';
}

/** The half-made directory is unusable until the copy is whole. */
function copy(context: StepContext): Progress {
  const { world, postgres, scratch } = context;
  const source = reachableLeader(context);
  if (!source) return retry('the leader cannot be reached');
  scratch.begun = true;
  scratch.readyAt ??= world.queue.now + world.random.between(20, 300);
  if (world.queue.now < scratch.readyAt) return 'again';
  postgres.becomeCopyOf(source);
  return done;
}

export function reachableLeader({
  world,
  group,
  postgres,
}: Pick<StepContext, 'world' | 'group' | 'postgres'>): ModelPostgres | null {
  const source = group.leader === null ? null : world.postgresOf(group.leader);
  if (!source || source === postgres || source.life !== 'up' || source.inRecovery) return null;
  return world.network.isCut(postgres.id, source.id) || world.network.isCut(source.id, postgres.id)
    ? null
    : source;
}
