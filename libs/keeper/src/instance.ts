import type { Milliseconds } from '@pgaf/core/durations';
import { childrenOf, roleOf } from '@pgaf/postgres/children';
import { endOfFlushedWal, finalLsn } from '@pgaf/postgres/final-lsn';
import { FAST_STOP_ON_THE_WAY } from '@pgaf/core/fast-stop';
import type { Lsn } from '@pgaf/core/lsn';
import { observe, type Observation } from '@pgaf/postgres/observe';
import {
  adoptNamedPostmaster,
  adoptPostmaster,
  startPostmaster,
  type Postmaster,
} from '@pgaf/postgres/postmaster';
import { isDoomed, livingProcess, postgresProcessesOf, type ProcessFacts } from '@pgaf/postgres/processes';
import { localClient, QueryError, type LocalClient, type LocalServer } from '@pgaf/postgres/query';
import { SilentClients } from '@pgaf/postgres/silent-clients';
import { stopPostmaster, type Stopped, type StopOptions } from '@pgaf/postgres/stop-postmaster';
import { answering } from './answering.js';
import { Attention } from './attention.js';
import { NO_HANG, notAnswered, type Hang } from './hang.js';
import { Pulse } from './pulse.js';
import { withStandIns } from './stand-in.js';
import { steadyNow } from './steady-clock.js';
import type { NodeConfig } from './node-config.js';

/** A start that gets nowhere for this long has failed. */
const START_STALL: Milliseconds = 10_000;
/** How often all processes of the host are looked at for a Postgres that its `postmaster.pid` does not name. */
const LOOK_AT_ALL_EVERY: Milliseconds = 500;
const STATEMENT_TIMEOUT: Milliseconds = 2000;
/** On a host that is starved a login takes seconds. */
const LOGIN: Milliseconds = 4000;
/** A look at Postgres is not waited for any longer. */
const BRIEF: Milliseconds = 1000;
/** A client that connects to a Postgres which does not answer has said who it is by then. */
const SILENT_FOR: Milliseconds = 2000;
/** A Postgres that works answers an observation in less. */
const OVERDUE: Milliseconds = 500;
/** It works, and has ended a look that took too long. */
const CANCELLED = '57014';

/** The Postgres of this node: its process and a connection to it. */
export class Instance {
  /** Replaced when the configuration was read again; its start takes what has changed. */
  config: NodeConfig;
  readonly server: LocalServer;
  readonly sql: LocalClient;
  #observer: LocalClient;
  /** What holds up neither a step nor the heartbeat, and is not held up by them; opened when it is needed. */
  #messenger: LocalClient;
  readonly #pulse: Pulse;
  #postmaster: Postmaster | null = null;
  #silentClients: SilentClients | null = null;
  /** When the postmaster was first seen to run. Monotonic. */
  #runsSince: Milliseconds = 0;
  /** While it lasts, an end of a postmaster is ordered or told by an error. */
  #underWay: 'start' | 'stop' | null = null;
  /** When the stop under way becomes an immediate one. */
  #stopsBy: Milliseconds | null = null;
  #hang: Hang = NO_HANG;
  #busy: string | null = null;
  /** It has shut down, and has not ended yet. */
  #leaving: Postmaster | null = null;
  #leftDoomed = false;
  #lookedForDoomed = false;
  #lookedAtAllAt: Milliseconds = -Infinity;
  #onDeath: (ranFor: Milliseconds) => void = () => {};
  #onExit: () => void = () => {};

  constructor(config: NodeConfig) {
    this.config = config;
    this.server = {
      socketDirectory: config.socketDirectory,
      port: config.port,
      database: 'postgres',
      user: config.superuser,
      applicationName: 'pgaf keeper',
      statementTimeoutMs: STATEMENT_TIMEOUT,
    };
    const answered = (): void => this.#answered();
    // A login that takes long is not begun anew by each who asks, or none would ever end.
    const server = { ...this.server, connectTimeoutMs: LOGIN };
    const brief = { ...server, statementTimeoutMs: BRIEF, awaitLoginMs: BRIEF };
    const sql = localClient({ ...server, awaitLoginMs: STATEMENT_TIMEOUT });
    // A slow statement of a step must not hold up what the heartbeat reports.
    const observer = localClient(brief);
    const messenger = localClient(brief);
    this.sql = answering(withStandIns(sql, [observer, messenger]), answered);
    this.#observer = answering(withStandIns(observer, [sql, messenger]), answered);
    this.#messenger = answering(withStandIns(messenger, [observer, sql]), answered);
    this.#pulse = new Pulse(this.server, config.leaseLength, answered);
  }

  onExit(listener: () => void): void {
    this.#onExit = listener;
  }

  /** The listener hears of each postmaster that ran and ended without having been told to, once. */
  onDeath(listener: (ranFor: Milliseconds) => void): void {
    this.#onDeath = listener;
  }

  isRunning(): boolean {
    return this.#postmaster?.isAlive() ?? false;
  }

  /** What receives WAL here; none on a primary, and between two streams. */
  walReceiver(): ProcessFacts | undefined {
    if (this.#postmaster === null) return undefined;
    const receiver = childrenOf(this.#postmaster.pid).find(({ title }) =>
      roleOf(title)?.startsWith('walreceiver'),
    );
    return receiver && livingProcess(receiver.pid);
  }

  /** Also what serves nobody any more has ended, as far as is known here. */
  isGone(): boolean {
    return !this.isRunning() && !(this.#leaving?.isAlive() ?? false);
  }

  /**
   * Postgres is being stopped: it lets nobody in, and has ended its clients. It does not run any longer than until then,
   * by the steady clock; null while no stop is under way.
   */
  get stopsBy(): Milliseconds | null {
    return this.#stopsBy;
  }

  /** For how long the postmaster has been seen to run; 0 when none does. */
  ranFor(): Milliseconds {
    return this.isRunning() ? performance.now() - this.#runsSince : 0;
  }

  /** Takes over a postmaster that was started by somebody else, such as this keeper's predecessor. */
  async adopt(): Promise<void> {
    if (!this.isGone()) return;
    this.#noticeDeath();
    const found = await this.#findPostmaster();
    if (found) this.#watch(found);
    // By a keeper before this one, or its watchdog.
    else if (!this.#lookedForDoomed)
      this.#leftDoomed = postgresProcessesOf(this.config.pgdata).some(isDoomed);
    this.#lookedForDoomed = true;
  }

  /** Starts Postgres, its left-overs ended first; resolves when it takes connections. */
  async start(signal: AbortSignal): Promise<void> {
    const { bindir, pgdata, port, listenAddresses, socketDirectory, postmasterLog } = this.config;
    const options = { bindir, pgdata, port, listenAddresses, socketDirectory, logFile: postmasterLog };
    this.#noticeDeath();
    if (this.#leaving?.isAlive())
      await this.stop({ mode: 'fast', immediateAfterMs: FAST_STOP_ON_THE_WAY, signal });
    this.#underWay = 'start';
    try {
      this.#watch(await startPostmaster({ ...options, stallMs: START_STALL, signal }));
    } catch (error) {
      // What was spawned may not be named yet.
      this.#lookedAtAllAt = -Infinity;
      // Adopted while it was starting, it never ran.
      if (!this.isRunning()) this.#forget();
      throw error;
    } finally {
      this.#underWay = null;
    }
  }

  /** Stops Postgres; when this returns nobody is served by it any more. */
  async stop(options: StopOptions): Promise<Stopped> {
    this.#noticeDeath();
    const running = this.#postmaster;
    this.#underWay = 'stop';
    this.#stopsBy = steadyNow() + (options.mode === 'fast' ? (options.immediateAfterMs ?? Infinity) : 0);
    try {
      // Only of the one that is known here it can be told later that it has ended.
      const until = running ? options.until : 'gone';
      const stopped = await stopPostmaster(this.config.pgdata, { ...options, until });
      this.#leftDoomed = stopped === 'doomed';
      this.#leaving = stopped === 'shut down' ? running : null;
      this.#forget();
      await this.#closeSessions();
      return stopped;
    } finally {
      this.#underWay = null;
      this.#stopsBy = null;
    }
  }

  /**
   * The last stop, or this node's last keeper, has left processes that were killed and have not ended: who reads or
   * writes the data directory may wait for a disk as long as they do.
   */
  get leftDoomed(): boolean {
    if (this.#leftDoomed)
      this.#leftDoomed = !this.isRunning() && postgresProcessesOf(this.config.pgdata).length > 0;
    return this.#leftDoomed;
  }

  /** @throws PgafError when the last stop was not clean. */
  async finalLsn(): Promise<Lsn> {
    return finalLsn(this.config.bindir, this.config.pgdata);
  }

  /** Of a primary that was stopped at once; `known` is a position that it had flushed, and its timeline. */
  async endOfWal(known: { readonly lsn: Lsn; readonly timeline: number }): Promise<Lsn> {
    return endOfFlushedWal(this.config.bindir, this.config.pgdata, known);
  }

  /** Null when Postgres does not answer. */
  async observe(): Promise<Observation | null> {
    const begunAt = steadyNow();
    const attention = new Attention();
    const overdue = setTimeout(() => this.#pulse.ask(), OVERDUE);
    try {
      const seen = await observe(this.#observer);
      this.#busy = null;
      // While logins are quick, so that there is a session when they are not.
      this.#pulse.askWhenDue();
      return seen;
    } catch (error) {
      const heldUpFor = attention.end();
      const silent = error instanceof QueryError && error.timedOut && this.isRunning();
      if (silent) this.#hang = notAnswered(this.#hang, { begunAt, endedAt: steadyNow(), heldUpFor });
      else this.#answered();
      const isBusy = error instanceof QueryError && (error.turnedAway || error.sqlState === CANCELLED);
      this.#busy = isBusy ? error.message : null;
      // One that restarts after a crash of a process waits for them.
      const waits = error instanceof QueryError && error.notYet;
      if (waits) this.#silentClients?.end(performance.now());
      return null;
    } finally {
      clearTimeout(overdue);
      attention.end();
    }
  }

  /**
   * For how long Postgres has run and said nothing to anybody of this keeper, not even why it lets nobody in; 0 while it
   * answers. The least question must have been asked in vain for as long as a lease as well.
   */
  get hungFor(): Milliseconds {
    return this.#pulse.isMissed ? this.#hang.lasted : 0;
  }

  /**
   * What Postgres said when it was looked at last and works, but not for its keeper: it has no connection left, or a look
   * takes too long. Null when it let itself be looked at, said nothing, or serves nobody.
   */
  get busy(): string | null {
    return this.isRunning() ? this.#busy : null;
  }

  #answered(): void {
    this.#hang = NO_HANG;
    this.#pulse.felt();
  }

  /** Lets go of Postgres, which goes on. */
  async release(): Promise<void> {
    this.#forget();
    await this.#closeSessions();
  }

  /**
   * Writes a WAL message, on disk here when this returns, and waits for no standby. It is part of a transaction, since
   * one that is not stays in the buffers until something else is flushed.
   * @returns its LSN.
   */
  async writeWalMessage(): Promise<string> {
    const [row] = await this.#messenger.query<{ lsn: string }>(
      `SELECT set_config('synchronous_commit', 'local', true),
              pg_logical_emit_message(true, 'pgautofailover', 'lease')::text AS lsn`,
    );
    return row?.lsn ?? '0/0';
  }

  async #closeSessions(): Promise<void> {
    await Promise.all([
      this.sql.close(),
      this.#observer.close(),
      this.#messenger.close(),
      this.#pulse.close(),
    ]);
  }

  #watch(postmaster: Postmaster): void {
    if (this.#postmaster?.pid === postmaster.pid) {
      postmaster.release();
      return;
    }
    this.#noticeDeath();
    this.#postmaster = postmaster;
    this.#silentClients = new SilentClients(postmaster.pid, SILENT_FOR);
    this.#runsSince = performance.now();
    void postmaster.exited.then(() => {
      if (this.#postmaster !== postmaster) return;
      this.#noticeDeath();
      this.#onExit();
    });
  }

  /** A keeper of a Postgres that is down asks at each pass, and a host may have thousands of processes. */
  #findPostmaster(): Promise<Postmaster | undefined> {
    const { pgdata } = this.config;
    const now = performance.now();
    if (now - this.#lookedAtAllAt < LOOK_AT_ALL_EVERY) return adoptNamedPostmaster(pgdata);
    this.#lookedAtAllAt = now;
    return adoptPostmaster(pgdata);
  }

  /** Also before its exit is heard of, so that the next one is not taken for it. */
  #noticeDeath(): void {
    if (this.#postmaster === null || this.isRunning()) return;
    this.#forget();
    if (this.#underWay === null) this.#onDeath(performance.now() - this.#runsSince);
  }

  #forget(): void {
    this.#postmaster?.release();
    this.#postmaster = null;
    this.#busy = null;
    this.#answered();
  }
}
