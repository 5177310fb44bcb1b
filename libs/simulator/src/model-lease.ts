import type { Milliseconds } from '@pgaf/core/durations';
import { canTakeWrites } from '@pgaf/core/states';
import { DEFAULT_LEASE } from '@pgaf/fsm/default-timings';
import {
  endsWithLease,
  leaseAnswered,
  leaseReported,
  type Lease,
  type WalMessage,
} from '@pgaf/fsm/held-lease';
import type { LeaseRules } from './machine.js';
import type { KeeperMemory } from './keeper-memory.js';
import type { ModelPostgres } from './model-postgres.js';
import type { World } from './world.js';

const LOOK_EVERY: Milliseconds = 100;
const RENEWAL_MISSED: Milliseconds = 1300;
const WRITE_EVERY: Milliseconds = 1000;
/** Told to end at once, its processes go on until they hear of it. */
const LONGEST_STOP: Milliseconds = 500;
const MESSAGES_KEPT = 16;

/** The node's keeper. */
export interface LeaseHolder {
  readonly memory: () => KeeperMemory;
  readonly isFrozen: () => boolean;
  /** Postgres was stopped because the lease was over. */
  readonly fenced: () => void;
}

/** The lease of a node, which its watchdog keeps when its keeper does not. It outlives the keeper's process. */
export class ModelLease {
  #lease: Lease = { length: null, renewedAt: 0 };
  #grantedAt: Milliseconds = -Infinity;
  #messages: readonly WalMessage[] = [];
  #writtenAt: Milliseconds = -Infinity;
  #fencing = false;
  /** When the newest message was written that enough standbys have flushed. */
  witnessedAt: Milliseconds = -Infinity;

  constructor(
    private readonly world: World,
    private readonly postgres: ModelPostgres,
    private readonly keeper: LeaseHolder,
    private readonly rules: LeaseRules,
  ) {
    this.#lookAgain();
  }

  /** As a report speaks of it. */
  get toHold(): Milliseconds | null {
    const { current, paused } = this.keeper.memory();
    return canTakeWrites(current) && !paused ? DEFAULT_LEASE : null;
  }

  reported(length: Milliseconds | null): void {
    this.#lease = leaseReported(this.#lease, length);
  }

  answered(length: Milliseconds | null): void {
    this.#lease = leaseAnswered(this.#lease, length);
  }

  granted(sentAt: Milliseconds): void {
    this.#grantedAt = sentAt;
    this.#lease = this.rules.renewed(this.#lease, sentAt);
  }

  /** The monitor has not granted a renewal when one was due. */
  get isMissed(): boolean {
    return this.#isBound && this.world.queue.now - this.#grantedAt > RENEWAL_MISSED;
  }

  /** Writes what the standbys prove to have flushed while the monitor grants nothing; the keeper does it. */
  witness(): void {
    const { now } = this.world.queue;
    const { setting } = this.keeper.memory();
    const { postgres } = this;
    if (!setting || !this.isMissed || postgres.life !== 'up' || postgres.inRecovery) {
      this.#messages = [];
      return;
    }
    const flushed = new Map([...postgres.senders].map(([id, stream]) => [id, BigInt(stream.flushed)]));
    const at = this.rules.newestWitnessed(this.#messages, flushed, setting);
    if (at !== null) {
      this.#lease = this.rules.renewed(this.#lease, at);
      this.witnessedAt = Math.max(this.witnessedAt, at);
    }
    if (now - this.#writtenAt < WRITE_EVERY) return;
    this.#writtenAt = now;
    this.#messages = [...this.#messages, { writtenAt: now, lsn: BigInt(postgres.writeMessage()) }].slice(
      -MESSAGES_KEPT,
    );
  }

  /** Postgres is being stopped; until that is done its keeper starts nothing for writes. */
  get isFencing(): boolean {
    return this.#fencing;
  }

  get #isBound(): boolean {
    const { current, setting } = this.keeper.memory();
    return this.#lease.length !== null && canTakeWrites(current) && endsWithLease(setting);
  }

  #lookAgain(): void {
    this.world.queue.after(LOOK_EVERY, () => {
      if (!this.#isFrozen) this.#look();
      this.#lookAgain();
    });
  }

  /** The watchdog stands still with the whole node only. */
  get #isFrozen(): boolean {
    return this.keeper.isFrozen() && this.postgres.processes.areFrozen;
  }

  #look(): void {
    const end = this.#isBound ? this.rules.end(this.#lease) : null;
    if (end === null || this.world.queue.now < end) return;
    if (!this.postgres.isAlive || this.postgres.inRecovery || this.postgres.rejectsClients) return;
    this.#fence();
  }

  #fence(): void {
    if (this.#fencing) return;
    this.#fencing = true;
    this.world.note(`node ${this.postgres.id} is fenced`);
    this.world.queue.after(this.world.random.between(1, LONGEST_STOP), () => {
      this.#fencing = false;
      if (this.postgres.isAlive) this.postgres.crash();
      this.keeper.fenced();
    });
  }
}
