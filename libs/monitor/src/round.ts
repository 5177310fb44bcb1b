import type { Milliseconds } from '@pgaf/core/durations';
import type { GroupKey, StoredGroup } from './group-store.js';
import type { Inflow } from './inbox.js';

/** How often every group is decided anew: silence notifies nobody. */
const EVERY: Milliseconds = 500;
/** So many groups that news wait for a few milliseconds at most until they are done. */
const PIECE = 100;
/** How long a piece lets news go first: groups without any must not wait for ever. */
const NEWS_FIRST: Milliseconds = 50;

/** Goes over all groups again and again, a piece at a time: what has news must not wait for a thousand that have none. */
export class Round {
  #after: GroupKey | null = null;
  #nextAt: Milliseconds = 0;
  #lastAt: Milliseconds = 0;

  /** When the next piece is due; not later than now in the middle of a round. */
  get dueAt(): Milliseconds {
    return this.#after === null ? this.#nextAt : 0;
  }

  /** Whether a piece is to be taken now: what one decision leads to is decided before, unless it does not end. */
  isDue(now: Milliseconds, inflow: Inflow): boolean {
    if (now < this.dueAt) return false;
    const since = this.#after === null ? this.#nextAt : this.#lastAt;
    return inflow === 'quiet' || now - since >= NEWS_FIRST;
  }

  /** Begins a round when none is under way. @returns the next groups */
  async next(
    now: Milliseconds,
    load: (after: GroupKey | null, limit: number) => Promise<readonly StoredGroup[]>,
  ): Promise<{ readonly groups: readonly StoredGroup[]; readonly isLast: boolean }> {
    if (this.#after === null) this.#nextAt = now + EVERY;
    this.#lastAt = now;
    const groups = await load(this.#after, PIECE);
    const last = groups.length < PIECE ? undefined : groups.at(-1)?.snapshot;
    this.#after = last ? { formation: last.formation.id, group: last.group } : null;
    return { groups, isLast: this.#after === null };
  }
}
