import type { ConnInfo } from '@pgaf/conninfo/conninfo';
import { CannotConnectError, destroy } from '@pgaf/conninfo/connect';
import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT, PgafError } from '@pgaf/core/errors';
import type { Logger } from '@pgaf/logging/logger';
import { openSession } from './demo-session.js';
import { pauseUntil } from './pause-until.js';
import { drawPolicy, sleepAfter, sleepBetween, type Random, type RetryPolicy } from './retry-policy.js';

/** For one row, all attempts together. */
const PATIENCE: Milliseconds = 60_000;
/** A server that was frozen never answers; a standby that is given up lets a commit go well within that. */
const ANSWER: Milliseconds = 10_000;
const TELL_EVERY: Milliseconds = 10_000;

/** What a client does it with. */
export interface ClientEnvironment {
  readonly target: ConnInfo;
  /** As `performance.now()`. */
  readonly until: Milliseconds;
  readonly log: Logger;
  readonly random: Random;
  /** Ends it early. */
  readonly signal: AbortSignal;
  /** How many failovers there were by now. */
  readonly failovers: () => number;
}

/** One client: connects, writes a row, leaves, sleeps, and does it again, whatever happens to the formation. */
export class DemoClient {
  readonly policy: RetryPolicy;
  /** Rows whose commit was acknowledged. */
  acknowledged = 0;
  #loop = 0;
  #longest: Milliseconds = 0;
  #retried = { times: 0, longest: 0, retries: 0 };

  constructor(
    readonly number: number,
    private readonly at: ClientEnvironment,
  ) {
    this.policy = drawPolicy(at.random);
  }

  /** Writes until the time is over. @throws PgafError `no-primary` when no attempt succeeds for a minute. */
  async run(): Promise<void> {
    const { log, until, signal, random } = this.at;
    log.info(`Client ${this.number} is using ${this.#policyText()}`);
    await this.#begin();
    let tellAt = performance.now();
    while (performance.now() < until && !signal.aborted) {
      await this.#write();
      if (performance.now() >= tellAt) {
        this.#tellProgress();
        tellAt = performance.now() + TELL_EVERY;
      }
      await pauseUntil(Math.min(performance.now() + sleepBetween(random), until), signal);
    }
    await this.#end();
  }

  #policyText(): string {
    const { initial, cap } = this.policy;
    return `a retry policy with initial sleep time ${initial} ms and a retry time capped at ${cap} ms`;
  }

  async #begin(): Promise<void> {
    await this.#insist(
      `INSERT INTO demo.client VALUES ($1, $2, $3, $4, 0)
           ON CONFLICT (client) DO UPDATE SET pid = excluded.pid`,
      () => [this.number, process.pid, this.policy.initial, this.policy.cap],
    );
  }

  async #write(): Promise<void> {
    this.#loop += 1;
    const { retries, took } = await this.#insist(
      `INSERT INTO demo.tracking (client, loop, retries, us, recovery)
       VALUES ($1, $2, $3, $4, pg_catalog.pg_is_in_recovery()) ON CONFLICT (client, loop) DO NOTHING`,
      (tried) => [this.number, this.#loop, tried.retries, Math.round(tried.took * 1000)],
    );
    this.acknowledged += 1;
    if (retries === 0) {
      this.#longest = Math.max(this.#longest, took);
      return;
    }
    this.#retried = {
      times: this.#retried.times + 1,
      longest: Math.max(this.#retried.longest, took),
      retries: this.#retried.retries + retries,
    };
    this.at.log.info(
      `Client ${this.number} attempted to connect during a failover, and had to attempt ${retries + 1} times which took ${took.toFixed(3)} ms with the current retry policy`,
    );
  }

  async #end(): Promise<void> {
    await this.#insist('UPDATE demo.client SET failover_count = $2 WHERE client = $1', () => [
      this.number,
      this.at.failovers(),
    ]);
    const { log } = this.at;
    const { times, longest, retries } = this.#retried;
    const who = `Client ${this.number}`;
    log.info(
      `${who} connected on first attempt ${this.acknowledged - times} times with a maximum connection time of ${Math.ceil(this.#longest)} ms`,
    );
    log.info(`${who} is using ${this.#policyText()}`);
    if (times === 0) return;
    log.info(
      `${who} attempted to connect during a failover ${times} times with a maximum connection time of ${Math.ceil(longest)} ms and a total number of ${retries} retries`,
    );
  }

  #tellProgress(): void {
    const failovers = this.at.failovers();
    const when = failovers === 0 ? 'before first failover' : `after ${failovers} failover(s)`;
    this.at.log.info(
      `Client ${this.number} connected ${this.acknowledged} times in less than ${Math.ceil(this.#longest)} ms, ${when}`,
    );
  }

  /**
   * Connects and runs the statement, again and again until it is acknowledged. Told to end, it still tries for as
   * long as the last row takes: what was begun is to be known.
   * @returns how many attempts failed, and the time from the first attempt until the connection of the last one.
   */
  async #insist(statement: string, values: (tried: Tried) => readonly unknown[]): Promise<Tried> {
    const began = performance.now();
    for (let retries = 0; ; retries += 1) {
      try {
        const session = await openSession(this.at.target);
        const tried = { retries, took: performance.now() - began };
        // A backend that is gone says no goodbye, and one that is frozen never will.
        const timer = setTimeout(() => destroy(session), ANSWER);
        try {
          await session.query(statement, [...values(tried)]);
        } finally {
          clearTimeout(timer);
          void session.end().catch(() => undefined);
        }
        return tried;
      } catch (error) {
        if (!mayPass(error)) throw error;
        if (performance.now() - began > PATIENCE) throw noPrimary(error);
        if (retries === 0) {
          this.at.log.warn(
            `Client ${this.number} lost the primary, and tries again until there is one: ${reasonOf(error)}`,
          );
        }
        const sleep = sleepAfter(retries + 1, this.policy, this.at.random);
        await pauseUntil(performance.now() + sleep, new AbortController().signal);
      }
    }
  }
}

interface Tried {
  readonly retries: number;
  readonly took: Milliseconds;
}

/** What no failover brings about stays as it is. */
function mayPass(error: unknown): boolean {
  if (error instanceof CannotConnectError) return error.mayMendItself;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // Neither a mistake of ours (class 42) nor a table that is gone.
  return !/^(42|3F)/.test(code);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
}

function noPrimary(cause: unknown): PgafError {
  return new PgafError(`There was no primary for ${PATIENCE / 1000} s: ${reasonOf(cause)}.`, {
    code: 'no-primary',
    exit: EXIT.pgsql,
    hint: '`pgaf show state` and `pgaf explain` say what the formation waits for.',
    cause,
  });
}
