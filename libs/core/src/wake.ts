import type { Milliseconds } from './durations.js';

/** Lets a loop sleep until its clock or a piece of news wakes it; news that came while it was busy counts. */
export class Wake {
  #rung = false;
  #resolve: (() => void) | null = null;

  ring(): void {
    this.#rung = true;
    this.#resolve?.();
  }

  async wait(atMost: Milliseconds): Promise<void> {
    if (!this.#rung && atMost > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, atMost);
        this.#resolve = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#resolve = null;
    }
    this.#rung = false;
  }
}
