import type { Milliseconds } from '@pgaf/core/durations';
import { childrenOf } from './children.js';
import { livingProcess, sendSignal } from './processes.js';

/** A child of the postmaster has its command line until it knows whom it serves. */
const UNKNOWN = /^(?!postgres: )/;
const LOOK_EVERY: Milliseconds = 100;

/** Every other process has its title in less than that. */
const UNTITLED_FOR: Milliseconds = 100;

/**
 * Ends clients that connect to a Postgres which stops, or starts again after a crash of one of its processes, and do not
 * say who they are. Up to version 17 the postmaster signals none of these, in no mode of stopping, and waits for each of
 * them for `authentication_timeout`, a minute. They have attached to nothing yet: a SIGTERM is an exit that no other
 * process notices.
 */
export class SilentClients {
  #lookAt: Milliseconds = 0;
  #since: ReadonlyMap<number, Milliseconds> = new Map();

  /** @param patience for how long one may say nothing. */
  constructor(
    private readonly postmaster: number,
    private readonly patience: Milliseconds = UNTITLED_FOR,
  ) {}

  /** Those that were there long enough at the looks before. */
  end(now: Milliseconds): void {
    if (now < this.#lookAt) return;
    this.#lookAt = now + LOOK_EVERY;
    const silent = childrenOf(this.postmaster).filter(({ title }) => UNKNOWN.test(title));
    this.#since = new Map(silent.map(({ pid }) => [pid, this.#since.get(pid) ?? now]));
    for (const [pid, since] of this.#since) {
      const one = now - since >= this.patience ? livingProcess(pid) : undefined;
      if (one) sendSignal(one, 'SIGTERM');
    }
  }
}
