import type { EventQueue } from './event-queue.js';

/**
 * Processes that live and end together. What they have under way ends with them, and stands still while they are
 * frozen.
 */
export class Processes {
  #incarnation = 0;
  /** What is to be done once they are woken; null while they run. */
  #held: (() => void)[] | null = null;

  constructor(private readonly queue: EventQueue) {}

  get areFrozen(): boolean {
    return this.#held !== null;
  }

  /** Does it after the delay, if they still live then. */
  later(delay: number, action: () => void): void {
    this.queue.after(delay, this.whileAlive(action));
  }

  /** An action of theirs that others bring about: one of those that live now, done when they run. */
  whileAlive<A extends readonly unknown[]>(action: (...args: A) => void): (...args: A) => void {
    const incarnation = this.#incarnation;
    return (...args) => {
      if (this.#incarnation !== incarnation) return;
      if (this.#held) this.#held.push(() => this.#incarnation === incarnation && action(...args));
      else action(...args);
    };
  }

  /** At once, or when they are woken. */
  do(action: () => void): void {
    if (this.#held) this.whileAlive(action)();
    else action();
  }

  freeze(): void {
    this.#held ??= [];
  }

  wake(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const action of held) action();
  }

  end(): void {
    this.#incarnation++;
    this.#held = null;
  }
}
