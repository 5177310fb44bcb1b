import type { Milliseconds } from '@pgaf/core/durations';
import { canTakeWrites, type State } from '@pgaf/core/states';
import { DEFAULT_LEASE } from '@pgaf/fsm/default-timings';
import type { KeeperFacts, KeeperReport } from '@pgaf/plugin-api/snapshot';
import type { KeeperMemory } from './keeper-memory.js';
import type { ModelPostgres } from './model-postgres.js';
import { needsPostgres, STANDBY } from './postgres-of-state.js';

/** What a keeper sends to the monitor. */
export type NodeActive = KeeperReport & { readonly reported: State };

/** What a keeper knows when it reports. */
export interface Known {
  readonly memory: KeeperMemory;
  readonly postgres: ModelPostgres;
  readonly now: Milliseconds;
  /** Postgres was tried to be started as often as a restart can mend anything. */
  readonly startsFail: boolean;
  /** The keeper was told to stop. */
  readonly leaving: boolean;
  readonly upstream: NonNullable<KeeperFacts['upstream']> | null;
  readonly abandoned: string | null;
  readonly noWalFrom: readonly number[];
  /** For how long the leader may take writes without a renewal. */
  readonly lease: Milliseconds | null;
}

export function reportOfModel(known: Known): NodeActive {
  const { memory, postgres, now, leaving } = known;
  return {
    reported: memory.current,
    at: now,
    postgresRunning: !hangs(known) && (answers(postgres) || (!leaving && maySoonRun(known))),
    tli: postgres.branch.tli,
    lsn: BigInt(postgres.knownLsn),
    facts: {
      ...factsOf(known),
      ...(hangs(known) && { hangs: true as const }),
      ...(postgres.isDoomed && { doomed: true as const }),
    },
  };
}

function answers({ life, isDoomed }: ModelPostgres): boolean {
  return life === 'up' && !isDoomed;
}

/** The keeper knows no more of it than the monitor does; what is to be stopped is not counted as down before it is. */
function hangs({ memory, postgres }: Known): boolean {
  return needsPostgres(memory.current) && needsPostgres(memory.goal) && postgres.hungFor > DEFAULT_LEASE;
}

/** What nobody starts does not run soon; what is to be stopped is not counted as down before it is. */
function maySoonRun({ memory, startsFail }: Known): boolean {
  if (!needsPostgres(memory.current)) return false;
  if (memory.paused && needsPostgres(memory.goal)) return false;
  return !startsFail;
}

function factsOf({
  memory,
  postgres,
  now,
  leaving,
  upstream,
  abandoned,
  lease,
  noWalFrom,
}: Known): KeeperFacts {
  const { stopped, promoted, promise } = memory;
  const out = stopped !== null && (!postgres.isAlive || postgres.isDoomed);
  return {
    epoch: memory.epoch,
    ...(memory.leader !== undefined && { leader: memory.leader }),
    ...(promise !== null &&
      isStillNeeded(promise, memory) && { promise: { ...promise, lsn: BigInt(promise.lsn) } }),
    ...(memory.promised > memory.epoch &&
      promise?.epoch !== memory.promised && { promising: memory.promised }),
    ...(out && {
      stopped: {
        ...stopped,
        finalLsn: stopped.finalLsn === null ? null : BigInt(stopped.finalLsn),
      },
    }),
    ...(memory.confirmedSetting !== null &&
      canTakeWrites(memory.current) && { confirmedSetting: memory.confirmedSetting }),
    ...(canTakeWrites(memory.current) && {
      streams: postgres.life === 'up' ? [...postgres.senders.keys()] : [],
    }),
    ...(lease !== null && { lease }),
    leaseAsLeader: DEFAULT_LEASE,
    ...(STANDBY.has(memory.current) && { quietFor: now - postgres.heardAt }),
    ...(upstream && { upstream: { ...upstream } }),
    ...(noWalFrom.length > 0 && { noWalFrom }),
    ...(promoted?.epoch === memory.epoch && {
      promoted: { ...promoted, switchpoint: BigInt(promoted.switchpoint) },
    }),
    ...(memory.paused && { paused: true as const }),
    ...(memory.strayed && { strayed: true as const }),
    ...(leaving && { leaving: true as const }),
    ...(abandoned !== null && { abandoned }),
  };
}

/** For the next epoch, or for one that was given to this node and that it has not begun. */
function isStillNeeded({ epoch }: { readonly epoch: number }, memory: KeeperMemory): boolean {
  if (epoch > memory.epoch) return true;
  return epoch === memory.epoch && memory.leader === memory.nodeId && memory.promoted?.epoch !== epoch;
}
