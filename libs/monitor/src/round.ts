import type { Milliseconds } from '@pgaf/core/durations';
import type { GroupKey, StoredGroup } from './group-store.js';
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
