import type { Milliseconds } from '@pgaf/core/durations';
import type { GroupKey } from './group-store.js';
import type { Inflow } from './inbox.js';

/** How often every group is decided anew, or as often as that many can be: silence notifies nobody. */
const EVERY: Milliseconds = 500;
/** So few groups that news wait for a few milliseconds at most until they are done. */
const PIECE = 50;
/** Between two pieces, so that what looking at groups costs does not grow with their number. */
const PIECE_EVERY: Milliseconds = 100;
/** How long a piece lets news go first: groups without any must not wait for ever. */
const NEWS_FIRST: Milliseconds = 50;

/** Goes over all groups again and again, a piece at a time: what has news must not wait for a thousand that have none. */
export class Round {
  #after: GroupKey | null = null;
  #nextAt: Milliseconds = 0;
  #lastAt: Milliseconds = 0;

  /** When the next piece is due. */
  get dueAt(): Milliseconds {
    return this.#after === null ? this.#nextAt : this.#lastAt + PIECE_EVERY;
  }

  /** Whether a piece is to be taken now: what one decision leads to is decided before, unless it does not end. */
  isDue(now: Milliseconds, inflow: Inflow): boolean {
    const since = now - this.dueAt;
    return since >= (inflow === 'quiet' ? 0 : NEWS_FIRST);
  }

  /**
   * Begins a round when none is under way.
   * @param look At the next groups; says which they were.
   * @returns whether they were the last ones
   */
  async next(
    now: Milliseconds,
    look: (after: GroupKey | null, limit: number) => Promise<readonly GroupKey[]>,
  ): Promise<{ readonly isLast: boolean }> {
    if (this.#after === null) this.#nextAt = now + EVERY;
    this.#lastAt = now;
    const groups = await look(this.#after, PIECE);
    this.#after = groups.length < PIECE ? null : (groups.at(-1) ?? null);
    return { isLast: this.#after === null };
  }
}
