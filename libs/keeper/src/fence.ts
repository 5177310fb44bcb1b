import type { Milliseconds } from '@pgaf/core/durations';
import { leaseEnd, leaseRenewed } from '@pgaf/fsm/held-lease';
import { Guard } from './guard.js';
import { readLeaseFile, writeLeaseFile } from './lease-file.js';
import type { Situation } from './situation.js';
import { steadyNow } from './steady-clock.js';

const LOOK_EVERY: Milliseconds = 100;
/** After a pause of this process, or at its start, for the answer to one report. */
const LAST_ATTEMPT: Milliseconds = 300;
/** An immediate stop takes less. */
const STOPPED_AFTER: Milliseconds = 2000;
/** The file is written again when the end has moved by as much. */
const WORTH_WRITING: Milliseconds = 100;

/**
 * Stops Postgres when the lease of this leader is over, so that nobody reads from it, or writes to it asynchronously,
 * beside its successor. On a timer of its own: whatever else the keeper waits for, the deadline holds.
 */
export class Fence {
  readonly #situation: Situation;
  readonly #callbacks: { readonly attempt: () => void; readonly fenced: () => void };
  #timer: NodeJS.Timeout | null = null;
  #lookedAt: Milliseconds | null = null;
  #patienceUntil: Milliseconds = 0;
  readonly #guard: Guard;
  #stopping: Promise<void> | null = null;
  #published: Milliseconds | null | undefined = undefined;

  /** `attempt` asks for a renewal at once; `fenced` hears of the end of each stop. */
  constructor(
    situation: Situation,
    callbacks: { readonly attempt: () => void; readonly fenced: () => void },
  ) {
    this.#situation = situation;
    this.#callbacks = callbacks;
    this.#guard = new Guard(situation);
  }

  /** Goes on from where this node's last keeper has left the lease. */
  begin(): void {
    const now = steadyNow();
    const { config, lease } = this.#situation;
    const end = readLeaseFile(config.leasePath, now);
    const renewedAt = end === undefined ? now : end - (lease.length ?? 0);
    this.#situation.lease = leaseRenewed(lease, renewedAt);
    this.#patienceUntil = now + LAST_ATTEMPT;
    this.#timer = setInterval(() => this.look(), LOOK_EVERY);
  }

  /** What the lease is at this moment is on record, and Postgres is not left running past its end. */
  look(): void {
    const now = steadyNow();
    const { lease } = this.#situation;
    this.#noticePause(now);
    const { instance } = this.#situation;
    const isBound = this.#situation.endsWithItsLease() && this.#situation.closedAt === null;
    const end = isBound ? leaseEnd(lease) : null;
    if (this.#stopping) return;
    this.#publish(end !== null && instance.stopsBy !== null ? instance.stopsBy + STOPPED_AFTER : end);
    if (end === null || !instance.isRunning()) return;
    this.#guard.ensure();
    if (now < end || now < this.#patienceUntil || instance.stopsBy !== null) return;
    this.#stopping = this.#fence(now - end).finally(() => (this.#stopping = null));
  }

  /** The watchdog stays where Postgres goes on, and the lease as it is. */
  async close(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.#stopping;
    await this.#guard.leave();
  }

  #noticePause(now: Milliseconds): void {
    const before = this.#lookedAt;
    this.#lookedAt = now;
    if (before === null || now - before <= (this.#situation.lease.length ?? Infinity)) return;
    this.#situation.log.warn(`This keeper was held up for ${Math.round(now - before)} ms`);
    this.#patienceUntil = now + LAST_ATTEMPT;
    this.#callbacks.attempt();
  }

  async #fence(late: Milliseconds): Promise<void> {
    const { instance, log, lease, config } = this.#situation;
    const hosts = config.monitorHosts.join(', ');
    log.warn(
      `The lease of this primary is over: neither the monitor at ${hosts} nor its standbys have renewed it; Postgres is stopped`,
      { leaseMs: lease.length, lateMs: Math.round(late) },
    );
    this.#situation.fencing = true;
    this.#situation.lostAt = steadyNow();
    try {
      // A fast stop lets who waits for a standby get on, which nobody knows of who may have taken over.
      await instance.stop({ mode: 'immediate' });
    } catch (error) {
      log.error('Postgres is not stopped', { error });
    } finally {
      this.#situation.fencing = false;
    }
    this.#callbacks.fenced();
  }

  #publish(end: Milliseconds | null): void {
    const before = this.#published;
    const moved =
      end === null || before === null || before === undefined
        ? end !== before
        : end > before + WORTH_WRITING || end < before;
    if (!moved) return;
    try {
      writeLeaseFile(this.#situation.config.leasePath, end);
      this.#published = end;
    } catch (error) {
      // The end that stands there comes earlier, which is safe.
      if (this.#published !== undefined) this.#situation.log.warn('The lease is not on record', { error });
      this.#published = undefined;
    }
  }
}
