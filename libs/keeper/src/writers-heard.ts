import { canTakeWrites } from '@pgaf/core/states';
import type { News } from './monitor-link.js';

/** Which nodes of the formation take writes, as far as was heard. */
export class WritersHeard {
  readonly #writers = new Set<number>();

  /** Whether some node may take writes now that did not before; while nothing was heard, any may have begun. */
  mayHaveGained(news: News | null): boolean {
    if (news === null) {
      this.#writers.clear();
      return true;
    }
    const { nodeId, reported, goal, health } = news;
    // One that answers nobody may be recovering from a crash, in which its sessions ended; when it is back it begins anew.
    if (health === 'bad' || !canTakeWrites(reported) || !canTakeWrites(goal)) {
      this.#writers.delete(nodeId);
      return false;
    }
    const isGained = !this.#writers.has(nodeId);
    this.#writers.add(nodeId);
    return isGained;
  }
}
