import type { Sworn } from '@pgaf/fsm/accept';
import { canTakeWrites, type State } from '@pgaf/core/states';
import type { SyncSetting } from '@pgaf/plugin-api/snapshot';
import { STANDBY } from './postgres-of-state.js';

/** What a keeper remembers over a crash of its own: its state file. */
export interface KeeperMemory extends Sworn {
  readonly current: State;
  readonly promise: { readonly epoch: number; readonly tli: number; readonly lsn: number } | null;
  readonly stopped: {
    readonly belowEpoch: number;
    readonly finalLsn: number | null;
    readonly cutShort?: true;
  } | null;
  readonly confirmedSetting: number | null;
  /** The newest setting that was assigned. */
  readonly setting: SyncSetting | null;
  readonly paused: boolean;
  /** Somebody opened this standby for writes, so that its WAL is no longer all the leader's. */
  readonly strayed: boolean;
  /** An order to promote this standby was taken back before it was carried out. */
  readonly orderTakenBack: boolean;
  readonly promoted: { readonly epoch: number; readonly tli: number; readonly switchpoint: number } | null;
}

export function newMemory(nodeId: number): KeeperMemory {
  return {
    nodeId,
    epoch: 0,
    promised: 0,
    promise: null,
    stopped: null,
    goal: 'init',
    current: 'init',
    confirmedSetting: null,
    setting: null,
    paused: false,
    strayed: false,
    orderTakenBack: false,
    promoted: null,
  };
}

/** An order to promote that is replaced by another goal: it may have been about to be. */
export function isTakenBack({ current, goal, promoted, epoch }: KeeperMemory, next: State): boolean {
  if (!canTakeWrites(goal) || canTakeWrites(next)) return false;
  return STANDBY.has(current) && promoted?.epoch !== epoch;
}

/** What a state file loses in a test that breaks the keeper on purpose. */
export type WriteMemory = (before: KeeperMemory, after: KeeperMemory) => KeeperMemory;

export const writeAll: WriteMemory = (_before, after) => after;
