import { CannotConnectError } from '@pgaf/conninfo/connect';
import { formatHost, type ConnInfo } from '@pgaf/conninfo/conninfo';
import { formatDuration, type Milliseconds } from '@pgaf/core/durations';
import { PgafError } from '@pgaf/core/errors';
import type { Logger } from '@pgaf/logging/logger';
import { MONITOR_DATABASE } from '../monitor-conninfo.js';
import { pause } from '../service/supervise.js';

/** Unless told otherwise. */
export const MONITOR_WAIT: Milliseconds = 60_000;

const FIRST_PAUSE: Milliseconds = 100;
const LONGEST_PAUSE: Milliseconds = 1000;
/** A monitor that has just come up may be making the role by which nodes log in, and its password. */
const NEWLY_UP: Milliseconds = 5000;

/** A server, such as the monitor, that may not be up yet, or restarts: what needs it is done again until it is. */
export class AwaitedServer {
  #seenDownAt: Milliseconds = -Infinity;
  #told = false;

  /**
   * @param limit How long each use may wait.
   * @param name What it is to the user.
   */
  constructor(
    private readonly conninfo: ConnInfo,
    private readonly limit: Milliseconds,
    private readonly log: Pick<Logger, 'info'>,
    private readonly name: 'monitor' | 'primary' = 'monitor',
  ) {}

  /**
   * Does work that may be done again, until it succeeds or fails for a reason that waiting does not mend.
   * @throws what the work throws; the last one when the time is over or the signal is aborted.
   */
  async use<T>(work: () => Promise<T>, signal: AbortSignal = new AbortController().signal): Promise<T> {
    const deadline = performance.now() + this.limit;
    for (let wait = FIRST_PAUSE; ; wait = Math.min(wait * 2, LONGEST_PAUSE)) {
      try {
        const result = await work();
        if (this.#told) this.log.info(`The ${this.name} answers`);
        this.#told = false;
        return result;
      } catch (error) {
        if (!this.#mayPass(error) || performance.now() + wait > deadline) throw error;
        this.#tell(error);
        await pause(wait, signal);
        if (signal.aborted) throw error;
      }
    }
  }

  #mayPass(error: unknown): error is PgafError {
    if (!(error instanceof PgafError)) return false;
    if (error.mayMendItself) {
      this.#seenDownAt = performance.now();
      return true;
    }
    if (!(error instanceof CannotConnectError)) return false;
    return performance.now() - this.#seenDownAt < NEWLY_UP || isBeingMade(error.cause, this.conninfo);
  }

  #tell(error: PgafError): void {
    if (this.#told) return;
    this.#told = true;
    const hosts = this.conninfo.hosts.map(formatHost).join(', ');
    const reasons =
      error instanceof CannotConnectError ? error.failures.map(({ reason }) => reason) : [error.message];
    const why = [...new Set(reasons)].join(', ').replace(/\.$/, '');
    this.log.info(`Waiting up to ${formatDuration(this.limit)} for the ${this.name} at ${hosts}: ${why}`);
  }
}

/** What a Postgres answers that is about to become a monitor: it has no database or no role of that name yet. */
function isBeingMade(refusal: unknown, { dbname }: ConnInfo): boolean {
  if (!(refusal instanceof Error) || !('code' in refusal)) return false;
  if (refusal.code === '3D000') return dbname === MONITOR_DATABASE;
  return refusal.code === '28000' && refusal.message === 'role "autoctl_node" does not exist';
}
