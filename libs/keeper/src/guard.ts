import type { Milliseconds } from '@pgaf/core/durations';
import { findPostmaster } from '@pgaf/postgres/find-postmaster';
import { endOtherWatchdogs, startWatchdog, type Watchdog } from '@pgaf/postgres/watchdog';
import type { Situation } from './situation.js';

/** A watchdog that cannot be started is tried again at this pace. */
const TRY_EVERY: Milliseconds = 1000;

/** Has one watchdog beside a Postgres that may run only for as long as the lease lasts. It is left behind on purpose. */
export class Guard {
  readonly #situation: Situation;
  #watchdog: Watchdog | null = null;
  #starting: Promise<void> | null = null;
  #triedAt: Milliseconds = -Infinity;

  constructor(situation: Situation) {
    this.#situation = situation;
  }

  /** Starts one when there is none of this keeper's; that of the keeper before it is ended then. */
  ensure(): void {
    if (this.#starting || this.#watchdog?.isAlive()) return;
    const now = performance.now();
    if (now - this.#triedAt < TRY_EVERY) return;
    this.#triedAt = now;
    this.#starting = this.#start().finally(() => (this.#starting = null));
  }

  /** Takes the watchdog along where there is nothing left to watch. */
  async leave(): Promise<void> {
    await this.#starting;
    if (!(await findPostmaster(this.#situation.config.pgdata))) this.#watchdog?.end();
  }

  async #start(): Promise<void> {
    const { config, log } = this.#situation;
    const { pgdata, leasePath: leaseFile, postmasterLog: logFile } = config;
    try {
      const watchdog = await startWatchdog({ pgdata, leaseFile, logFile });
      this.#watchdog = watchdog;
      endOtherWatchdogs(pgdata, watchdog);
    } catch (error) {
      log.warn('No watchdog can be started; this keeper alone stops Postgres when the lease is over', {
        error,
      });
    }
  }
}
