import { setTimeout as pause } from 'node:timers/promises';
import { connect, destroy } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Milliseconds } from '@pgaf/core/durations';
import type { Client } from 'pg';

const CONNECT_TIMEOUT_MS: Milliseconds = 2000;
const BETWEEN_MS: Milliseconds = 20;

/** What the statement met since it was started. */
export interface Repeated {
  readonly failures: readonly string[];
  /** The longest time from one success to the next. */
  readonly stall: Milliseconds;
}

/** One client that sends the same statement again and again, over a new connection after each failure. */
export class RepeatedStatement {
  readonly #failures: string[] = [];
  readonly #running: Promise<void>;
  #client: Client | null = null;
  #lastAt = performance.now();
  #stall = 0;
  #successes = 0;
  #ended = false;

  constructor(
    private readonly uri: string,
    private readonly statement: string,
    /** One that is answered by nobody for that long has failed; unless told, it waits for ever. */
    private readonly answerWithinMs?: Milliseconds,
  ) {
    this.#running = this.#loop();
  }

  /** How often it has succeeded. */
  get successes(): number {
    return this.#successes;
  }

  async stop(): Promise<Repeated> {
    this.#ended = true;
    // Whom nobody answers ends here.
    if (this.#client) destroy(this.#client);
    await this.#running;
    return {
      failures: this.#failures,
      stall: Math.round(Math.max(this.#stall, performance.now() - this.#lastAt)),
    };
  }

  async #loop(): Promise<void> {
    while (!this.#ended) {
      try {
        this.#client ??= await this.#open();
        if (this.#ended) break;
        await this.#answered(this.#client);
        const now = performance.now();
        if (this.#successes > 0) this.#stall = Math.max(this.#stall, now - this.#lastAt);
        this.#lastAt = now;
        this.#successes++;
      } catch (error) {
        if (this.#ended) return;
        this.#failures.push(error instanceof Error ? error.message : String(error));
        if (this.#client) destroy(this.#client);
        this.#client = null;
      }
      await pause(BETWEEN_MS);
    }
    if (this.#client) destroy(this.#client);
  }

  async #answered(client: Client): Promise<void> {
    const { answerWithinMs } = this;
    const timer =
      answerWithinMs === undefined ? undefined : setTimeout(() => destroy(client), answerWithinMs);
    await client.query(this.statement).finally(() => clearTimeout(timer));
  }

  async #open(): Promise<Client> {
    const client = await connect(parseConnInfo(this.uri), { connectTimeoutMs: CONNECT_TIMEOUT_MS });
    client.on('error', () => undefined);
    return client;
  }
}
