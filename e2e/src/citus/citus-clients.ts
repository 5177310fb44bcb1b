import { setTimeout as pause } from 'node:timers/promises';
import { connect, destroy } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Milliseconds } from '@pgaf/core/durations';
import { until } from '@pgaf/testing/deadline';
import type { Client } from 'pg';
import { KINDS, TENANTS, type Row, type Told } from './citus-tables.js';

const CONNECT_TIMEOUT_MS: Milliseconds = 2000;
/** Before they connect again. Six that begin at once leave no processor to what they wait for: they would measure themselves. */
const ROUND_PAUSE_MS: Milliseconds = 50;
const GOODBYE_MS: Milliseconds = 500;
const LAST_ANSWER_MS: Milliseconds = 5000;

export interface ClientsOptions {
  /** A statement that is answered by nobody for that long has failed; unless told, they wait for ever. */
  readonly answerWithinMs?: Milliseconds;
  /** Between two transactions of a client; 5 ms unless told. */
  readonly pauseMs?: Milliseconds;
}

export interface Failure {
  readonly client: string;
  readonly message: string;
}

/** What the clients met since they were started; what they were told is of all their life. */
export interface Met extends Told {
  readonly failures: readonly Failure[];
  /** The longest that any of them waited for a success, milliseconds. */
  readonly stall: Milliseconds;
}

interface Session {
  readonly client: Client;
  /** A commit that comes with a warning is no acknowledged one. */
  warned: boolean;
}

/** Four writers and two readers through the coordinator: single- and multi-shard, a reference table, prepared. */
export class CitusClients {
  #failures: Failure[] = [];
  readonly #acknowledged: Row[] = [];
  readonly #together: Row[][] = [];
  readonly #uses = { sent: 0, acknowledged: 0 };
  readonly #answers = new Map<string, number>();
  readonly #sessions = new Set<Session>();
  #running: Promise<void>[] = [];
  #stall = 0;
  #measuredFrom = 0;
  #ended = false;
  #id: number;

  constructor(
    private readonly uri: string,
    firstId: number,
    private readonly options: ClientsOptions = {},
  ) {
    this.#id = firstId;
  }

  /** How often any of them succeeded. */
  get answers(): number {
    return [...this.#answers.values()].reduce((sum, count) => sum + count, 0);
  }

  get failures(): readonly Failure[] {
    return this.#failures;
  }

  start(): void {
    this.#ended = false;
    this.measureFromNow();
    const run = (name: string, work: (session: Session) => Promise<void>): void => {
      this.#running.push(this.#loop(name, work));
    };
    run('one row', (session) => this.#insert(session));
    run('one row, prepared', (session) => this.#insert(session, 'insert-row'));
    run('rows of several shards', (session) => this.#insertTogether(session));
    run('a reference table', (session) => this.#use(session));
    run('reads of all shards', async ({ client }) => {
      await client.query('SELECT max(id) FROM load_rows');
    });
    run('reads of one shard', async ({ client }) => {
      await client.query({
        name: 'read-tenant',
        text: 'SELECT max(load_rows.id) FROM load_rows JOIN load_kinds ON load_kinds.id = 1 WHERE tenant = $1',
        values: [this.#next() % TENANTS],
      });
    });
  }

  /** Waits until each of them has succeeded so often from now on. */
  async untilAllGoOn(times: number, deadlineMs: Milliseconds): Promise<void> {
    const before = new Map(this.#answers);
    const waiting = (): string[] =>
      [...this.#answers]
        .filter(([name, count]) => count < (before.get(name) ?? 0) + times)
        .map(([name]) => name);
    const seen = (): string => {
      const last = this.#failures.slice(-5).map(({ client, message }) => `${client}: ${message}`);
      return `waiting: ${waiting().join(', ')}\n${last.join('\n')}`;
    };
    await until({ what: 'every client to go on', deadlineMs, seen }, () => waiting().length === 0);
  }

  /** All die at once, whatever they are in the middle of; others take their places. */
  crash(): void {
    for (const { client } of this.#sessions) destroy(client);
  }

  /** What they met until now does not count. */
  measureFromNow(): void {
    this.#failures = [];
    this.#stall = 0;
    this.#measuredFrom = performance.now();
  }

  /** A statement that nobody answers is given some time. */
  async stop(): Promise<Met> {
    this.#ended = true;
    const timer = setTimeout(() => this.crash(), LAST_ANSWER_MS);
    await Promise.all(this.#running).finally(() => clearTimeout(timer));
    this.#running = [];
    return {
      failures: this.#failures,
      stall: Math.round(this.#stall),
      acknowledged: this.#acknowledged,
      together: this.#together,
      uses: this.#uses,
    };
  }

  async #loop(name: string, work: (session: Session) => Promise<void>): Promise<void> {
    let session: Session | null = null;
    let begun = performance.now();
    this.#answers.set(name, this.#answers.get(name) ?? 0);
    while (!this.#ended) {
      try {
        session ??= await this.#open();
        await this.#answered(session, work);
        const now = performance.now();
        this.#stall = Math.max(this.#stall, now - Math.max(begun, this.#measuredFrom));
        begun = now;
        this.#answers.set(name, (this.#answers.get(name) ?? 0) + 1);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        this.#failures.push({ client: name, message });
        if (session) this.#drop(session);
        session = null;
        await pause(ROUND_PAUSE_MS);
      }
      await pause(this.options.pauseMs ?? 5);
    }
    if (session) await this.#close(session);
  }

  async #open(): Promise<Session> {
    const client = await connect(parseConnInfo(this.uri), { connectTimeoutMs: CONNECT_TIMEOUT_MS });
    const session: Session = { client, warned: false };
    client.on('error', () => this.#drop(session));
    client.on('notice', ({ severity }) => {
      session.warned ||= severity === 'WARNING';
    });
    this.#sessions.add(session);
    return session;
  }

  #drop(session: Session): void {
    this.#sessions.delete(session);
    destroy(session.client);
  }

  async #close(session: Session): Promise<void> {
    const goodbye = session.client.end().catch(() => undefined);
    await Promise.race([goodbye, pause(GOODBYE_MS, undefined, { ref: false })]);
    this.#drop(session);
  }

  async #answered(session: Session, work: (session: Session) => Promise<void>): Promise<void> {
    const { answerWithinMs } = this.options;
    const timer =
      answerWithinMs === undefined ? undefined : setTimeout(() => destroy(session.client), answerWithinMs);
    session.warned = false;
    try {
      await work(session);
    } finally {
      clearTimeout(timer);
    }
  }

  async #insert(session: Session, name?: string): Promise<void> {
    const [row] = this.#newRows(1);
    if (!row) return;
    await session.client.query(insertion(row, name));
    if (!session.warned) this.#acknowledged.push(row);
  }

  async #insertTogether(session: Session): Promise<void> {
    const rows = this.#newRows(3);
    this.#together.push(rows);
    await session.client.query('BEGIN');
    for (const row of rows) await session.client.query(insertion(row));
    const { command } = await session.client.query('COMMIT');
    if (command === 'COMMIT' && !session.warned) this.#acknowledged.push(...rows);
  }

  async #use(session: Session): Promise<void> {
    this.#uses.sent++;
    const kind = 1 + (this.#next() % KINDS);
    await session.client.query('UPDATE load_kinds SET used = used + 1 WHERE id = $1', [kind]);
    if (!session.warned) this.#uses.acknowledged++;
  }

  /** Of different tenants, so that most are in different shards. */
  #newRows(count: number): Row[] {
    return Array.from({ length: count }, (_, i) => {
      const id = this.#next();
      return { tenant: (id + i) % TENANTS, id };
    });
  }

  #next(): number {
    return this.#id++;
  }
}

function insertion({ tenant, id }: Row, name?: string) {
  const text = 'INSERT INTO load_rows VALUES ($1, $2)';
  return { ...(name === undefined ? {} : { name }), text, values: [tenant, id] };
}
