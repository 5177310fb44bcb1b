import type { Milliseconds } from '@pgaf/core/durations';
import { parseLsn, type Lsn } from '@pgaf/core/lsn';
import { endsWithLease, leaseRenewed, newestWitnessed, type WalMessage } from '@pgaf/fsm/held-lease';
import type { Observation } from '@pgaf/postgres/observe';
import type { Situation } from './situation.js';
import { steadyNow } from './steady-clock.js';

/** A leader that reports once a second and was not answered for this long has missed a renewal. */
const RENEWAL_MISSED: Milliseconds = 1300;
const WRITE_EVERY: Milliseconds = 1000;
/** Older ones have outlived every lease. */
const MESSAGES_KEPT = 16;

/** Renews the lease by the standbys while the monitor does not: a WAL message each second, and who has flushed it. */
export class Witness {
  readonly #situation: Situation;
  readonly #changed: () => void;
  #messages: readonly WalMessage[] = [];
  #writing = false;
  #writtenAt: Milliseconds = -Infinity;

  /** `changed` is called when a message was written. */
  constructor(situation: Situation, changed: () => void) {
    this.#situation = situation;
    this.#changed = changed;
  }

  /** The monitor has not answered when a renewal was due, and the leader needs one. */
  get isNeeded(): boolean {
    const { state, heardAt, lease } = this.#situation;
    if (!this.#situation.takesWrites() || !endsWithLease(state.setting) || lease.length === null)
      return false;
    return steadyNow() - heardAt > RENEWAL_MISSED;
  }

  /** Takes in what the standbys have flushed, and writes the next message. */
  askWhenDue(): void {
    const { observation } = this.#situation;
    if (!this.isNeeded || !observation || observation.inRecovery) {
      this.#messages = [];
      return;
    }
    this.#takeIn(observation);
    const now = steadyNow();
    if (this.#writing || now - this.#writtenAt < WRITE_EVERY) return;
    this.#writing = true;
    this.#writtenAt = now;
    void this.#write(now);
  }

  #takeIn({ replication }: Observation): void {
    const { state } = this.#situation;
    if (!state.setting) return;
    const flushed = new Map<number, Lsn>();
    for (const { nodeId, flushLsn } of replication) {
      if (nodeId !== undefined && flushLsn !== null) flushed.set(nodeId, flushLsn);
    }
    const at = newestWitnessed(this.#messages, flushed, state.setting);
    if (at === null) return;
    this.#situation.lease = leaseRenewed(this.#situation.lease, at);
    this.#situation.witnessedAt = Math.max(this.#situation.witnessedAt, at);
  }

  async #write(writtenAt: Milliseconds): Promise<void> {
    try {
      const lsn = parseLsn(await this.#situation.instance.writeWalMessage());
      this.#messages = [...this.#messages, { writtenAt, lsn }].slice(-MESSAGES_KEPT);
      this.#changed();
    } catch (error) {
      this.#situation.log.debug('No WAL message is written', { error });
    } finally {
      this.#writing = false;
    }
  }
}
