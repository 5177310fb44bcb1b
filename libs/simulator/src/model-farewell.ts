import { FAST_STOP } from '@pgaf/core/fast-stop';
import { canTakeWrites, handsOver } from '@pgaf/core/states';
import { canBeHandedOver, farewellWaitsFor, standbysMayTake } from '@pgaf/fsm/farewell';
import type { GroupSnapshot } from '@pgaf/plugin-api/snapshot';
import type { KeeperMemory } from './keeper-memory.js';
import type { ModelPostgres } from './model-postgres.js';
import { oathOfStop } from './model-steps.js';

/** The keeper that was told to stop. */
export interface Leaving {
  readonly postgres: ModelPostgres;
  readonly memory: () => KeeperMemory;
  readonly remember: (change: Partial<KeeperMemory>) => void;
  /** As the monitor last told it. */
  readonly group: () => GroupSnapshot | null;
  readonly now: () => number;
  readonly later: (delay: number, action: () => void) => void;
  readonly hasSession: () => boolean;
  /** Goes on with what is due, as far as a keeper that leaves does anything. */
  readonly act: () => void;
  /** Gives up what is under way. */
  readonly halt: () => void;
  readonly report: () => void;
  /** The process ends. */
  readonly end: () => void;
}

const PACE = 50;
const LAST_REPORT = 1000;

/** What a keeper does last, in the time of the simulation. */
export class ModelFarewell {
  phase: 'waits' | 'stops' | 'says' = 'waits';
  /** The monitor has answered a report that said so. */
  heard = false;
  readonly #since: number;
  #cutOffSince: number | null = null;

  constructor(private readonly keeper: Leaving) {
    this.#since = keeper.now();
  }

  /** In an orderly way: waits for what others need of the node first. */
  sayOrderly(): void {
    if (this.phase !== 'waits') return;
    const { keeper } = this;
    keeper.act();
    const waits = farewellWaitsFor({
      ...keeper.memory(),
      group: keeper.group(),
      since: keeper.now() - this.#since,
      heard: this.heard,
      failedFor: this.#cutOffFor(),
    });
    if (waits !== null) return keeper.later(PACE, () => this.sayOrderly());
    this.phase = 'stops';
    keeper.halt();
    const begun = keeper.now();
    this.#stopPostgres(begun + standbysMayTake(begun - this.#since), begun + FAST_STOP);
  }

  sayAtOnce(): void {
    const { keeper } = this;
    const { postgres } = keeper;
    const tookWrites = postgres.life === 'up' && !postgres.inRecovery;
    this.phase = 'stops';
    keeper.halt();
    postgres.crash();
    if (this.#leadsOthers() && tookWrites) {
      const { epoch, goal } = keeper.memory();
      keeper.remember({
        stopped: { belowEpoch: epoch + 1, finalLsn: postgres.flushed, cutShort: true },
        current: handsOver(goal) ? goal : 'draining',
      });
    }
    this.#sayLast();
  }

  /** Each report of that time fails. */
  #cutOffFor(): number {
    const now = this.keeper.now();
    if (this.keeper.hasSession()) this.#cutOffSince = null;
    else this.#cutOffSince ??= now;
    return now - (this.#cutOffSince ?? now);
  }

  #stopPostgres(cutStreamsAt: number, immediateAt: number): void {
    const { keeper } = this;
    const { postgres } = keeper;
    if (keeper.now() >= immediateAt) postgres.crash();
    else if (postgres.isAlive) postgres.stop();
    if (postgres.isAlive && keeper.now() >= cutStreamsAt) postgres.streams.cut();
    if (postgres.isAlive) return keeper.later(5, () => this.#stopPostgres(cutStreamsAt, immediateAt));
    const { goal } = keeper.memory();
    if (this.#leadsOthers() && handsOver(goal)) {
      keeper.remember({ stopped: oathOfStop(postgres, keeper.memory()), current: goal });
    }
    this.#sayLast();
  }

  #leadsOthers(): boolean {
    const group = this.keeper.group();
    const { current, nodeId } = this.keeper.memory();
    return canTakeWrites(current) && group !== null && canBeHandedOver(nodeId, group);
  }

  #sayLast(): void {
    const { keeper } = this;
    this.phase = 'says';
    keeper.report();
    keeper.later(keeper.hasSession() ? LAST_REPORT : 0, () => keeper.end());
  }
}
