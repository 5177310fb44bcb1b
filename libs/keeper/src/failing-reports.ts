import type { Milliseconds } from '@pgaf/core/durations';

/** Reports in a row that the monitor has not answered. */
export class FailingReports {
  #first: Milliseconds | null = null;
  #last: Milliseconds = 0;

  failed(): void {
    this.#last = performance.now();
    this.#first ??= this.#last;
  }

  answered(): void {
    this.#first = null;
  }

  /** Between the first and the last of them; 0 with fewer than two. */
  get failedFor(): Milliseconds {
    return this.#first === null ? 0 : this.#last - this.#first;
  }
}
