import type { Milliseconds } from '@pgaf/core/durations';
import type { Outcome } from '@pgaf/core/result';

/** What was not done is tried again after this, for so many times in a row; then at the pace of the hook. */
const AGAIN_AFTER: Milliseconds = 1000;
const QUICK_RETRIES = 15;

/** Who comes back to a node that has just begun to take writes goes first. */
const SOON: Milliseconds = 300;

/** A plugin's hook that runs while its node takes writes: when something calls for it, and periodic; one run at a time. */
export class LeaderHook {
  readonly #run: () => Promise<Outcome>;
  /** Called when another run is due: one that was asked for during the one that has ended, or some moments ago. */
  readonly #callAgain: () => void;
  #due = true;
  #lastAt: Milliseconds = -Infinity;
  #retries = 0;
  #running: Promise<void> | null = null;
  #soon: NodeJS.Timeout | null = null;

  constructor(run: () => Promise<Outcome>, callAgain: () => void) {
    this.#run = run;
    this.#callAgain = callAgain;
  }

  /** Due at once, or as soon as the run under way has ended. */
  call(): void {
    this.#due = true;
    this.#retries = 0;
  }

  /** Due in a moment, unless it is sooner. */
  callSoon(): void {
    if (this.#due) return;
    this.#soon ??= setTimeout(() => {
      this.#soon = null;
      this.call();
      this.#callAgain();
    }, SOON).unref();
  }

  runWhenDue(every: Milliseconds): void {
    const now = performance.now();
    const wait = this.#retries > 0 && this.#retries <= QUICK_RETRIES ? AGAIN_AFTER : every;
    if (this.#running || (!this.#due && now - this.#lastAt < wait)) return;
    this.#due = false;
    this.#lastAt = now;
    this.#running = this.#run()
      .then((outcome) => {
        this.#retries = outcome.tag === 'done' ? 0 : this.#retries + 1;
      })
      .finally(() => {
        this.#running = null;
        if (this.#due) this.#callAgain();
      });
  }

  /** Nothing runs, and nothing is due any more. */
  async ended(): Promise<void> {
    if (this.#soon) clearTimeout(this.#soon);
    this.#soon = null;
    await this.#running;
  }
}
