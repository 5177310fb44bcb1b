import type { HealthNews } from './health-checker.js';
import type { Inflow } from './inbox.js';

/** So many rows that what comes meanwhile waits for a few milliseconds at most. */
const UNCHANGED_AT_ONCE = 50;

/** What checks saw and is not written yet, the latest of each node. */
export class UnwrittenHealth {
  readonly #changed = new Map<number, HealthNews>();
  readonly #unchanged = new Map<number, HealthNews>();

  put(news: HealthNews, how: 'changed' | 'unchanged'): void {
    // One that is as before what waits to be written is another one than that.
    if (how === 'changed' || this.#changed.has(news.node)) {
      this.#unchanged.delete(news.node);
      this.#changed.set(news.node, news);
    } else {
      this.#unchanged.set(news.node, news);
    }
  }

  /** Not over what is known by now. */
  giveBack(news: HealthNews): void {
    if (!this.#changed.has(news.node) && !this.#unchanged.has(news.node)) this.#changed.set(news.node, news);
  }

  /**
   * What is to be written next, in one transaction: all that changed; when there is no such thing, and nothing to
   * decide, some of what did not.
   */
  take(inflow: Inflow): readonly HealthNews[] {
    if (this.#changed.size > 0) {
      const news = [...this.#changed.values()];
      this.#changed.clear();
      return news;
    }
    if (inflow === 'news') return [];
    const some = [...this.#unchanged.values()].slice(0, UNCHANGED_AT_ONCE);
    for (const { node } of some) this.#unchanged.delete(node);
    return some;
  }
}
