import type { Milliseconds } from '@pgaf/core/durations';
import type { Client } from 'pg';
import { keyText } from './inbox.js';
import type { GroupKey } from './group-store.js';

/** Between two notifications, which wake all keepers, when a keeper at rest is to hear of the second. */
const ORDERS_EVERY: Milliseconds = 50;
/** Between two when nobody waits for the second: whoever is in motion asks. */
const OTHERS_AFTER: Milliseconds = 500;
/** For less than keepers ask often after what they were told last. */
const IN_MOTION_FOR: Milliseconds = 400;

/**
 * Of equal ones Postgres sends the first of a transaction only. Whoever listens is to hear last what was said last, so each is
 * sent in its last place. What was left by a service long ago is not true any more.
 */
const ANNOUNCE = {
  name: 'announce',
  text: `WITH taken AS (DELETE FROM pgautofailover_private.announcement RETURNING *),
              ordered AS (
                SELECT channel, payload FROM taken WHERE written_at > clock_timestamp() - interval '1 minute'
                GROUP BY channel, payload ORDER BY max(number))
         SELECT count(pg_notify(channel, payload)) FROM ordered`,
};

/**
 * Notifies of what was written down to be announced: at once of what sets a group in motion and of who begins to take writes,
 * of the rest now and then.
 */
export class Announcer {
  /** What decisions announce is written down, rather than notified by themselves. */
  holdsBack = false;
  #announcedAt: Milliseconds = -Infinity;
  #dueAt: Milliseconds = Infinity;
  #announcing = false;
  readonly #decidedAt = new Map<string, Milliseconds>();

  /**
   * @param eyes The writer does not wait until a thousand sessions are signalled.
   * @param wake Called when something has become due while an announcement was under way.
   */
  constructor(
    private readonly eyes: Pick<Client, 'query'>,
    private readonly failed: (error: unknown) => void,
    private readonly wake: () => void,
  ) {}

  get dueAt(): Milliseconds {
    return this.#announcing ? Infinity : this.#dueAt;
  }

  /** There is something to announce, which can wait. */
  note(now: Milliseconds): void {
    this.#dueAt = Math.min(this.#dueAt, now + OTHERS_AFTER);
  }

  /** Goals of the group were committed. */
  decided(key: GroupKey, now: Milliseconds = performance.now()): void {
    if (!this.holdsBack) return;
    const name = keyText(key);
    const isInMotion = now - (this.#decidedAt.get(name) ?? -Infinity) < IN_MOTION_FOR;
    this.#decidedAt.set(name, now);
    if (isInMotion) this.note(now);
    else this.hasten(now);
  }

  /** Something was committed that somebody may wait to hear of; no keeper asks more often for it. */
  hasten(now: Milliseconds = performance.now()): void {
    if (!this.holdsBack) return;
    this.#dueAt = Math.min(this.#dueAt, Math.max(now, this.#announcedAt + ORDERS_EVERY));
    this.announceWhenDue(now);
  }

  announceWhenDue(now: Milliseconds): void {
    if (now >= this.dueAt) this.announce(now);
  }

  announce(now: Milliseconds = performance.now()): void {
    this.#dueAt = Infinity;
    this.#announcedAt = now;
    this.#announcing = true;
    for (const [name, at] of this.#decidedAt) if (now - at >= IN_MOTION_FOR) this.#decidedAt.delete(name);
    this.eyes
      .query(ANNOUNCE)
      .catch(this.failed)
      .finally(() => {
        this.#announcing = false;
        if (this.#dueAt < Infinity) this.wake();
      });
  }
}
