import { setTimeout as pause } from 'node:timers/promises';
import { connect, destroy } from '@pgaf/conninfo/connect';
import { parseConnInfo, type ConnInfo } from '@pgaf/conninfo/conninfo';
import type { Milliseconds } from '@pgaf/core/durations';
import type { Client, QueryConfig } from 'pg';
import { until } from './deadline.js';
import type { Attempt } from './history.js';

export interface WriterOptions {
  /** A connection string of libpq; its hosts are tried in the order given, and only one that takes writes is used. */
  readonly uri: string;
  /** Made when it is not there: `id bigint, written_at timestamptz`, without a unique index, so that a row written twice shows. */
  readonly table: string;
  readonly connectTimeoutMs?: Milliseconds;
  /** A statement that is answered by nobody for that long has failed; for ever unless told, as a client without a limit of its own waits. */
  readonly answerWithinMs?: Milliseconds;
  /** The id of the first row; 1 unless told. A writer that goes on where another one ended must not use its ids. */
  readonly firstId?: number;
  /** Between two inserts; 2 ms unless told, so that the client leaves the processors to what it measures. */
  readonly pauseMs?: Milliseconds;
}

const ROUND_PAUSE_MS = 5;

/**
 * The client that outages are measured with: one connection, hosts in the order of the URI, a connect timeout
 * of 2 s for each, no statement sent twice, and a commit that came with a warning not counted as acknowledged.
 */
export class Writer {
  readonly history: Attempt[] = [];
  private stopped = false;
  private running: Promise<void> | undefined;
  private client: Client | undefined;
  private warned = false;

  constructor(private readonly options: WriterOptions) {}

  /** Makes the table and starts writing; returns after the first acknowledged row. */
  async start(): Promise<void> {
    const client = await this.connected();
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${client.escapeIdentifier(this.options.table)} (id bigint NOT NULL, written_at timestamptz NOT NULL DEFAULT clock_timestamp())`,
    );
    this.running = this.write();
    while (!this.stopped && this.acknowledged() === 0) await pause(1);
  }

  acknowledged(): number {
    return this.history.reduce((count, attempt) => count + (attempt.outcome === 'acknowledged' ? 1 : 0), 0);
  }

  /** Rows acknowledged at or after that instant of `performance.now()`. */
  acknowledgedSince(instant: Milliseconds): number {
    let count = 0;
    for (let i = this.history.length - 1; i >= 0; i--) {
      const attempt = this.history[i];
      if (!attempt || attempt.answeredAt < instant) break;
      if (attempt.outcome === 'acknowledged') count++;
    }
    return count;
  }

  /** Waits until so many rows that come from now on are acknowledged: whatever held the client is over. */
  async untilWriting(rows = 20, deadlineMs: Milliseconds = 60_000): Promise<void> {
    const since = performance.now();
    const lastError = () => this.history.findLast((attempt) => attempt.error)?.error ?? 'no statement failed';
    await until(
      { what: 'the client to write again', deadlineMs, everyMs: 5, seen: lastError },
      () => this.acknowledgedSince(since) >= rows,
    );
  }

  /** Lets the insert in flight end (for at most 5 s) and closes the connection. */
  async stop(): Promise<readonly Attempt[]> {
    this.stopped = true;
    await Promise.race([this.running, pause(5000, undefined, { ref: false })]);
    const client = this.client;
    this.client = undefined;
    if (client)
      await Promise.race([client.end().catch(() => undefined), pause(500, undefined, { ref: false })]);
    return this.history;
  }

  private async write(): Promise<void> {
    for (let id = this.options.firstId ?? 1; !this.stopped;) {
      const client = await this.connected().catch(() => null);
      if (!client) continue;
      await this.insert(client, id++);
      await pause(this.options.pauseMs ?? 2);
    }
  }

  private async insert(client: Client, id: number): Promise<void> {
    const sentAt = performance.now();
    this.warned = false;
    try {
      await this.answered(client, {
        name: 'insert',
        text: `INSERT INTO ${client.escapeIdentifier(this.options.table)} (id) VALUES ($1)`,
        values: [id],
      });
      const outcome = this.warned ? 'warned' : 'acknowledged';
      this.history.push({ id, sentAt, answeredAt: performance.now(), outcome });
    } catch (error) {
      this.history.push({
        id,
        sentAt,
        answeredAt: performance.now(),
        outcome: 'failed',
        error: String(error),
      });
      this.drop(client);
    }
  }

  /** @throws Error when the server does not answer in time; whether it has done it is not known. */
  private async answered(client: Client, query: QueryConfig): Promise<void> {
    const { answerWithinMs } = this.options;
    const timer = answerWithinMs === undefined ? undefined : setTimeout(destroy, answerWithinMs, client);
    try {
      await client.query(query);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Goes round the hosts until one takes writes. */
  private async connected(): Promise<Client> {
    while (!this.client && !this.stopped) {
      this.client = await this.connectOnce().catch(() => undefined);
      if (!this.client) await pause(ROUND_PAUSE_MS);
    }
    if (!this.client) throw new Error('the writer was stopped');
    return this.client;
  }

  private async connectOnce(): Promise<Client> {
    const conninfo: ConnInfo = { ...parseConnInfo(this.options.uri), targetSessionAttrs: 'read-write' };
    const client = await connect(conninfo, {
      connectTimeoutMs: this.options.connectTimeoutMs ?? 2000,
      applicationName: 'pgaf writer',
    });
    client.on('error', () => this.drop(client));
    client.on('notice', (notice) => {
      this.warned ||= notice.severity === 'WARNING';
    });
    return client;
  }

  private drop(client: Client): void {
    if (this.client === client) this.client = undefined;
    destroy(client);
  }
}
