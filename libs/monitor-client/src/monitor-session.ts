import { connect, destroy } from '@pgaf/conninfo/connect';
import type { ConnInfo } from '@pgaf/conninfo/conninfo';
import { EXIT, PgafError } from '@pgaf/core/errors';
import type { Milliseconds } from '@pgaf/core/durations';
import type { Logger } from '@pgaf/logging/logger';
import type { Client } from 'pg';
import { endsSession, MonitorError } from './monitor-error.js';

export interface MonitorSessionOptions {
  readonly conninfo: ConnInfo;
  /** Shown in pg_stat_activity of the monitor. */
  readonly applicationName: string;
  readonly logger: Pick<Logger, 'debug' | 'warn' | 'info'>;
  /** For each host of the connection string. */
  readonly connectTimeoutMs?: Milliseconds;
  /** A statement that takes longer is given up, and with it the connection. */
  readonly statementTimeoutMs?: Milliseconds;
}

const CONNECT_TIMEOUT: Milliseconds = 2000;
const STATEMENT_TIMEOUT: Milliseconds = 15_000;
const GOODBYE: Milliseconds = 500;
const FIRST_PAUSE: Milliseconds = 50;
const LONGEST_PAUSE: Milliseconds = 1000;

type PayloadListener = (payload: string) => void;

/** With a name, it is planned once for each connection. */
export type Statement = string | { readonly name: string; readonly text: string };

/** What is to be asked on a connection, and answered, before something else is. */
export type Preparation = (
  ask: (statement: Statement, values: readonly unknown[]) => Promise<unknown>,
) => Promise<void>;

/**
 * One connection to the monitor that stays open, over all of its hosts. A call connects when there is none; a
 * session that listens comes back by itself, with pauses that grow to a second.
 */
export class MonitorSession {
  #client: Promise<Client> | null = null;
  #closed = false;
  #reconnecting: NodeJS.Timeout | null = null;
  #pause = FIRST_PAUSE;
  readonly #aborted = new AbortController();
  readonly #prepared = new WeakSet<Client>();
  readonly #listeners = new Map<string, Set<PayloadListener>>();
  readonly #onConnected = new Set<() => void>();

  constructor(private readonly options: MonitorSessionOptions) {}

  /**
   * An answer that takes longer than `limitMs` is not waited for, and the connection is given up.
   * @throws CannotConnectError, MonitorError; both exit 6.
   */
  async query<Row extends object>(
    statement: Statement,
    values: readonly unknown[] = [],
    limitMs: Milliseconds = this.#statementTimeout() + 500,
  ): Promise<Row[]> {
    const client = await this.#connected();
    return this.#run(client, () => rowsOf<Row>(client, statement, values), limitMs);
  }

  /**
   * As `query`, on a connection on which the preparation was answered before: this time, or before an earlier call. All of
   * one session is prepared in one way.
   */
  async queryPrepared<Row extends object>(
    preparation: Preparation,
    statement: Statement,
    values: readonly unknown[],
    limitMs: Milliseconds,
  ): Promise<Row[]> {
    const client = await this.#connected();
    const prepareAndAsk = async (): Promise<Row[]> => {
      if (!this.#prepared.has(client)) {
        await preparation((text, given) => rowsOf(client, text, given));
        this.#prepared.add(client);
      }
      return rowsOf<Row>(client, statement, values);
    };
    return this.#run(client, prepareAndAsk, limitMs);
  }

  async #run<T>(client: Client, work: () => Promise<T>, limitMs: Milliseconds): Promise<T> {
    try {
      return await this.#withinTime(client, work(), limitMs);
    } catch (error) {
      if (endsSession(error)) this.#forget(client);
      throw new MonitorError(error);
    }
  }

  /** Calls back with each payload of the channel, from the next connection on at the latest. */
  listen(channel: string, listener: PayloadListener): void {
    const listeners = this.#listeners.get(channel);
    if (listeners) {
      listeners.add(listener);
      return;
    }
    this.#listeners.set(channel, new Set([listener]));
    if (!this.#client) this.#comeBack(0);
    else void this.query(`LISTEN ${channel}`).catch(() => undefined);
  }

  /** Calls back after each connection: what was announced before it was not heard. */
  onConnected(listener: () => void): void {
    this.#onConnected.add(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#aborted.abort();
    if (this.#reconnecting) clearTimeout(this.#reconnecting);
    const client = await this.#client?.catch(() => null);
    this.#client = null;
    if (!client) return;
    // A server that is frozen, or gone without a word, answers no goodbye.
    const timer = setTimeout(() => destroy(client), GOODBYE);
    await client.end().catch(() => undefined);
    clearTimeout(timer);
  }

  #connected(): Promise<Client> {
    if (this.#closed) {
      const error = new PgafError('The connection to the monitor was closed.', {
        code: 'closed',
        exit: EXIT.monitor,
      });
      return Promise.reject(error);
    }
    this.#client ??= this.#connect();
    return this.#client;
  }

  async #connect(): Promise<Client> {
    try {
      const client = await connect(this.options.conninfo, {
        connectTimeoutMs: this.options.connectTimeoutMs ?? CONNECT_TIMEOUT,
        applicationName: this.options.applicationName,
        what: 'the monitor',
        exit: EXIT.monitor,
        session: { statement_timeout: this.#statementTimeout() },
        signal: this.#aborted.signal,
      });
      client.on('notification', ({ channel, payload }) => {
        for (const listener of this.#listeners.get(channel) ?? []) listener(payload ?? '');
      });
      client.on('end', () => this.#forget(client));
      try {
        for (const channel of this.#listeners.keys()) await client.query(`LISTEN ${channel}`);
      } catch (error) {
        destroy(client);
        throw error;
      }
      this.#pause = FIRST_PAUSE;
      for (const listener of this.#onConnected) listener();
      return client;
    } catch (error) {
      this.#client = null;
      this.#comeBack(this.#pause);
      throw error;
    }
  }

  /** The server has a limit of its own; this one is for a server that is frozen, or gone without a word. */
  async #withinTime<T>(client: Client, work: Promise<T>, limitMs: Milliseconds): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        destroy(client);
        reject(new Error('no answer in time'));
      }, limitMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #statementTimeout(): Milliseconds {
    return this.options.statementTimeoutMs ?? STATEMENT_TIMEOUT;
  }

  #forget(client: Client): void {
    const current = this.#client;
    if (!current) return;
    void current.then(
      (connected) => {
        if (connected !== client || this.#client !== current) return;
        this.#client = null;
        destroy(client);
        this.#comeBack(0);
      },
      () => undefined,
    );
  }

  /** Who only listens makes no call that would connect. */
  #comeBack(after: Milliseconds): void {
    if (this.#closed || this.#reconnecting || this.#listeners.size === 0) return;
    this.#reconnecting = setTimeout(() => {
      this.#reconnecting = null;
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
      this.#connected().catch((error: unknown) => {
        this.options.logger.debug('The monitor cannot be reached yet.', { error });
      });
    }, after);
  }
}

async function rowsOf<Row extends object>(
  client: Client,
  statement: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  const query = typeof statement === 'string' ? { text: statement } : statement;
  const { rows } = await client.query<Row>({ ...query, values: [...values] });
  return rows;
}
