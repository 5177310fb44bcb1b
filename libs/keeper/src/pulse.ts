import type { Milliseconds } from '@pgaf/core/durations';
import { localClient, QueryError, type LocalClient, type LocalServer } from '@pgaf/postgres/query';

const EVERY: Milliseconds = 10_000;

/**
 * The least that Postgres can be asked, on a session of its own that stays open: an observation may wait for a lock or a
 * disk, and a new login for a turn on a host that is busy, while its clients are served.
 */
export class Pulse {
  readonly #client: LocalClient;
  readonly #answered: () => void;
  #asking = false;
  #askedAt: Milliseconds = -Infinity;
  #missed = false;

  /** @param patience for how long a login may take, and then an answer. */
  constructor(server: LocalServer, patience: Milliseconds, answered: () => void) {
    // Its client waits for twice the timeout of a statement.
    this.#client = localClient({ ...server, connectTimeoutMs: patience, statementTimeoutMs: patience / 2 });
    this.#answered = answered;
  }

  /** It was asked in vain since it was last felt. */
  get isMissed(): boolean {
    return this.#missed;
  }

  /** Postgres has answered, to whatever. */
  felt(): void {
    this.#missed = false;
  }

  /** Now and then, so that its session is there. */
  askWhenDue(): void {
    if (performance.now() - this.#askedAt >= EVERY) this.ask();
  }

  ask(): void {
    if (this.#asking) return;
    this.#asking = true;
    this.#askedAt = performance.now();
    void this.#ask().finally(() => (this.#asking = false));
  }

  async close(): Promise<void> {
    this.#askedAt = -Infinity;
    await this.#client.close();
  }

  async #ask(): Promise<void> {
    try {
      await this.#client.query('SELECT 1');
      this.#answered();
    } catch (error) {
      if (error instanceof QueryError && error.timedOut) this.#missed = true;
      else this.#answered();
    }
  }
}
