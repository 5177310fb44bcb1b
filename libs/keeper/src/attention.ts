import type { Milliseconds } from '@pgaf/core/durations';

const LOOK_EVERY: Milliseconds = 100;

/** Watches for how long this process does nothing, as on a host that is starved or asleep. */
export class Attention {
  readonly #timer: NodeJS.Timeout;
  #lookedAt = performance.now();
  #longest: Milliseconds = 0;

  constructor() {
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY);
  }

  /** Ends the watch. @returns the longest time for which it did nothing. */
  end(): Milliseconds {
    clearInterval(this.#timer);
    this.#look();
    return this.#longest;
  }

  #look(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#lookedAt - LOOK_EVERY);
    this.#lookedAt = now;
  }
}
