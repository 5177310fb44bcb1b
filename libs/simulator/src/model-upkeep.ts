import { canTakeWrites, handsOver, promises, type State } from '@pgaf/core/states';
import { hasDiverged } from '@pgaf/core/timeline';
import type { GroupSnapshot } from '@pgaf/plugin-api/snapshot';
import type { Step } from '@pgaf/plugin-api/steps';
import type { KeeperMemory } from './keeper-memory.js';
import type { ModelPostgres } from './model-postgres.js';
import {
  keepUnpromotedInRecovery,
  maintainSlots,
  reachableLeader,
  staysStopped,
  wasPromoted,
} from './model-steps.js';
import { needsPostgres, STOPPED } from './postgres-of-state.js';
import { sharedUpTo } from './wal.js';

const FOLLOWING: ReadonlySet<State> = new Set(['catchingup', 'secondary', 'join_secondary']);
const QUICK_ATTEMPTS = 3;
const LOOK_AGAIN = 5;

/** The keeper whose state stays. */
export interface Keeping {
  readonly postgres: ModelPostgres;
  readonly memory: () => KeeperMemory;
  readonly remember: (change: Partial<KeeperMemory>) => void;
  /** As the monitor last told it. */
  readonly group: () => GroupSnapshot | null;
  readonly later: (delay: number, action: () => void) => void;
  /** The monitor answered a report that was sent since this keeper began and since Postgres last died. */
  readonly mayOpen: () => boolean;
  /** The monitor says nothing, and standbys can confirm a leader in its place. */
  readonly mayBeProved: () => boolean;
  readonly report: () => void;
  /** Goes on with what is due. */
  readonly act: () => void;
  /** Runs these steps while the state stays. */
  readonly run: (steps: readonly Step[]) => void;
}

/** The leader was told to open in this epoch, and to stop again before it did: its oath was for the last one. */
function owesOath(
  { nodeId, current, goal, stopped, epoch }: KeeperMemory,
  group: GroupSnapshot | null,
): boolean {
  if (group?.leader !== nodeId) return false;
  return current === goal && handsOver(current) && (stopped?.belowEpoch ?? 0) <= epoch;
}

/** It has promised for an epoch whose leader was given up, and is asked for the next one. */
function owesNewPromise({ current, goal, promised, epoch }: KeeperMemory, group: GroupSnapshot): boolean {
  return promises(current) && current === goal && promised <= epoch && group.leader === null;
}

/** What must hold on a node while nothing changes. */
export class ModelUpkeep {
  #failedStarts = 0;

  constructor(private readonly keeper: Keeping) {}

  /** Postgres was tried to be started as often as a restart can mend anything. */
  get startsFail(): boolean {
    return this.#failedStarts >= QUICK_ATTEMPTS;
  }

  /** What failed before says nothing any more. */
  beginAnew(): void {
    this.#failedStarts = 0;
  }

  keep(current: State): void {
    const { postgres } = this.keeper;
    if (STOPPED.has(current)) {
      if (postgres.isAlive && !postgres.isDoomed) postgres.stop();
      else if (owesOath(this.keeper.memory(), this.keeper.group())) this.keeper.run([{ do: 'recordStop' }]);
      return;
    }
    if (!needsPostgres(current)) return;
    const writable = canTakeWrites(current);
    if (postgres.life !== 'up') {
      const isCutOff = !postgres.usable && FOLLOWING.has(current) && !this.keeper.memory().paused;
      if (isCutOff && this.#isThere) return this.keeper.run([{ do: 'startPostgres' }]);
      return this.keepRunning(writable);
    }
    this.#failedStarts = 0;
    this.#keepSettings(writable);
  }

  /** It is where it is to be, as far as this keeper has heard. */
  get #isThere(): boolean {
    const { current, goal } = this.keeper.memory();
    return this.keeper.group() !== null && current === goal;
  }

  /**
   * A start for writes waits for the answer to a report that says that Postgres is down: from then on nobody
   * takes this node for one that went down and stays so.
   */
  keepRunning(writable: boolean): void {
    const { keeper } = this;
    const memory = keeper.memory();
    if (keeper.postgres.life !== 'down' || staysStopped(memory) || memory.paused) return;
    if (keeper.mayOpen() || !(writable || wasPromoted(memory))) this.#restart('admitted');
    else if (keeper.mayBeProved()) this.#restart('rejected');
  }

  #restart(clients: 'admitted' | 'rejected'): void {
    const { keeper } = this;
    const { postgres } = keeper;
    if (postgres.leftOvers) postgres.endLeftOvers();
    const failed = postgres.failedStarts;
    keepUnpromotedInRecovery(postgres, keeper.memory());
    keeper.remember({ stopped: null, orderTakenBack: false });
    postgres.start(keeper.memory().epoch, clients);
    const look = (): void => {
      if (postgres.life === 'starting') return keeper.later(LOOK_AGAIN, look);
      if (postgres.failedStarts > failed) {
        this.#failedStarts++;
        postgres.world.changed();
        if (this.#failedStarts === QUICK_ATTEMPTS) keeper.report();
        if (this.startsFail) return;
      }
      keeper.act();
    };
    keeper.later(LOOK_AGAIN, look);
  }

  /** A new setting, or a new node, without a new goal. */
  #keepSettings(writable: boolean): void {
    const { keeper } = this;
    const group = keeper.group();
    if (!group) return;
    const memory = keeper.memory();
    maintainSlots(keeper.postgres, group, memory.nodeId);
    if (!writable && owesNewPromise(memory, group)) return keeper.run([{ do: 'promise' }]);
    if (!writable) return this.#keepFollowing(memory, group);
    const assigned = group.settingsInForce.at(-1);
    if (!assigned || assigned.version === memory.confirmedSetting) return;
    if (group.epoch !== memory.epoch || group.leader !== memory.nodeId) return;
    keeper.run([{ do: 'setSyncStandbys' }, { do: 'confirmSyncStandbys' }]);
  }

  /** The leader may have changed while this node was away, or have left the timeline before what this node has. */
  #keepFollowing({ current, paused }: KeeperMemory, group: GroupSnapshot): void {
    const { postgres, run } = this.keeper;
    const leader = group.nodes.find((node) => node.id === group.leader);
    if (!FOLLOWING.has(current) || !leader) return;
    const here = { timeline: postgres.branch.tli, lsn: BigInt(postgres.flushed) };
    const cannotFollow = current === 'catchingup' && postgres.inRecovery && hasDiverged(here, group.lineage);
    if (
      (!postgres.isReceiving || postgres.strayed) &&
      !paused &&
      canTakeWrites(leader.reported) &&
      (cannotFollow || this.#isOnAnotherLine(group))
    ) {
      return run([
        { do: 'stopPostgres' },
        { do: 'rewindOrCopy' },
        { do: 'writeSettings' },
        { do: 'writeStandbyConfig' },
        { do: 'startPostgres' },
      ]);
    }
    if (postgres.inRecovery && !postgres.strayed && postgres.configuration.upstream !== leader.id)
      run([{ do: 'followLeader' }]);
  }

  /** Somebody opened this node, as is known, or wrote to a timeline that the leader, which says so itself, never had. */
  #isOnAnotherLine(group: GroupSnapshot): boolean {
    const { postgres } = this.keeper;
    const { current, goal, promised, epoch } = this.keeper.memory();
    if (promised > epoch || current === 'join_secondary' || !FOLLOWING.has(goal)) return false;
    const leader = reachableLeader({ world: postgres.world, group, postgres });
    if (leader === null) return false;
    return postgres.strayed || sharedUpTo(postgres.branch, leader.branch, leader.flushed) === -1;
  }
}
