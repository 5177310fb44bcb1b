import type { Milliseconds } from '@pgaf/core/durations';
import type { Outcome } from '@pgaf/core/result';
import type { Pace } from './node-config.js';

/** One look at the formation is enough for the news of a moment: who is about to serve its clients goes first. */
const SOON: Milliseconds = 300;

export type Paces = Pick<Pace, 'reconcile' | 'busy'>;

/** Whether the node serves the writes of its group. */
export type Standing = 'leads' | 'follows';

/**
 * A plugin's hook that runs when the formation has changed, and periodic; one run at a time. On a leader, whom others may
 * wait for, at once; on a node that follows a moment later, once for all that has changed by then.
 */
export class ReconcileHook {
  readonly #run: (signal: AbortSignal) => Promise<Outcome>;
  /** Called when a run may be due that was not when it was asked for. */
  readonly #callAgain: () => void;
  /** When the formation first changed that nothing was run for; null when it has not, and long ago when nothing is to wait. */
  #changedAt: Milliseconds | null = -Infinity;
  /** It was not done when it ran last. */
  #isRetry = false;
  #lastAt: Milliseconds = 0;
  #running: Promise<void> | null = null;
  #soon: NodeJS.Timeout | null = null;
  #isOver = false;

  constructor(run: (signal: AbortSignal) => Promise<Outcome>, callAgain: () => void) {
    this.#run = run;
    this.#callAgain = callAgain;
  }

  /** The formation changed. */
  call(): void {
    this.#changedAt ??= performance.now();
  }

  /** Due as soon as the run under way has ended. */
  callAtOnce(): void {
    this.#changedAt = -Infinity;
  }

  /** Starts it when it is due and does not run; passes of a group in motion are no reason to try again. */
  runWhenDue({ reconcile, busy }: Paces, standing: Standing, signal: AbortSignal): void {
    if (this.#running || this.#isOver) return;
    const now = performance.now();
    const changeDueIn = this.#changedAt === null ? Infinity : this.#changedAt + graceOf(standing) - now;
    const periodEndsIn = this.#lastAt + (this.#isRetry ? busy : reconcile) - now;
    if (changeDueIn > 0 && periodEndsIn > 0) {
      if (changeDueIn < Infinity) this.#comeBackIn(changeDueIn);
      return;
    }
    this.#forgetToComeBack();
    this.#changedAt = null;
    this.#isRetry = false;
    this.#lastAt = now;
    this.#running = this.#run(signal)
      .then(({ tag }) => {
        // Tried again soon rather than at the next period.
        this.#isRetry = tag === 'retry';
      })
      .finally(() => {
        this.#running = null;
        if (this.#changedAt !== null) this.#callAgain();
      });
  }

  /** Nothing runs when this returns, and nothing will. */
  async ended(): Promise<void> {
    this.#isOver = true;
    this.#forgetToComeBack();
    await this.#running;
  }

  #comeBackIn(wait: Milliseconds): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = null;
      this.#callAgain();
    }, wait).unref();
  }

  #forgetToComeBack(): void {
    if (this.#soon) clearTimeout(this.#soon);
    this.#soon = null;
  }
}

function graceOf(standing: Standing): Milliseconds {
  return standing === 'leads' ? 0 : SOON;
}
