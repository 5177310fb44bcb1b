import { setTimeout as sleep } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT, PgafError } from '@pgaf/core/errors';
import type { Timings } from '@pgaf/plugin-api/snapshot';
import type { Logger } from '@pgaf/logging/logger';
import pg, { type Client } from 'pg';
import { Announcer } from './announcer.js';
import { watchBlockers } from './blockers.js';
import { CommandDesk } from './command-desk.js';
import { Contacts } from './contacts.js';
import type { Kinds } from './command-handlers.js';
import { refuseAbandonedCommands } from './command-queue.js';
import { GroupDesk } from './group-desk.js';
import { GroupLook } from './group-look.js';
import { HealthChecker } from './health-checker.js';
import { trimHistory } from './history.js';
import { Inbox } from './inbox.js';
import { appliedMigrations, migrate } from './migrate.js';
import { NewsLook } from './news-look.js';
import { warnOfNewerSchema } from './newer-schema.js';
import { timingsOf, type MonitorSettings } from './monitor-settings.js';
import { Round } from './round.js';
import { SessionLook } from './session-look.js';
import { beginTerm, ServiceRunsError, takeServiceLock, type Term } from './term.js';
import { isBlocked } from './transaction.js';

/** The monitor's own Postgres, by its Unix socket, as its superuser. */
export interface MonitorDatabase {
  readonly socketDirectory: string;
  readonly port: number;
  readonly user: string;
}

export interface ServiceSessionOptions {
  readonly database: MonitorDatabase;
  readonly kinds: Kinds;
  /** Asked in each round; another object takes effect at once. */
  readonly settings: () => MonitorSettings;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** How long the end of another service is waited for; 10 s unless given. */
  readonly lockPatience?: Milliseconds;
  /** From how many nodes on it looks for news, and seldom at who rests; `MANY_NODES` unless given. */
  readonly manyNodes?: number;
  /** Called when the service decides, with its term. */
  readonly onReady?: (term: number) => void;
}

/** How often commands are looked for that no notification told of. */
const LOOK_FOR_COMMANDS_EVERY = 500;
const TRIM_EVERY = 60_000;
/** While there is more to trim. */
const TRIM_ON = 1000;
const TRY_LOCK_EVERY = 250;
/** One that was told to stop, or whose host is found to be gone by TCP, ends within this. */
const LOCK_PATIENCE: Milliseconds = 10_000;
/** Before the lock timeout, after which nothing tells any more who held the lock. */
const LOOK_FOR_BLOCKERS_AFTER: Milliseconds = 300;
const LOCK_TIMEOUT = 500;
const STATEMENT_TIMEOUT = 5000;

/**
 * One term of the service, on two connections: the writer, which holds the lock and makes every change, and
 * the eyes, which listen and can look while the writer waits. With many nodes there is a third one, which waits for news and
 * may be lost. Nothing is remembered between rounds that is not in the tables, but for what only delays a retry.
 */
export class ServiceSession {
  /** True once each group was decided on. */
  decided = false;
  readonly #inbox = new Inbox();
  readonly #clients = new Set<Client>();
  #checker: HealthChecker | null = null;
  #failure: Error | null = null;
  #trimmedAt = -Infinity;

  constructor(private readonly options: ServiceSessionOptions) {}

  /** Resolves when the signal is aborted. @throws what ended the session otherwise. */
  async run(): Promise<void> {
    const { kinds, logger, signal } = this.options;
    const stop = () => this.#inbox.wake();
    signal.addEventListener('abort', stop);
    try {
      const writer = await this.#connect('pgaf monitor');
      const eyes = await this.#connect('pgaf monitor inbox');
      if (!(await this.#awaitLock(writer))) return;
      for (const { version, name } of await migrate(writer)) {
        logger.info(`Applied migration ${version} (${name}).`);
      }
      const warning = warnOfNewerSchema(await appliedMigrations(writer));
      if (warning !== null) logger.warn(warning);
      const pid = await backendPid(writer);
      const { term, startedAt, doubted } = await this.#beginTerm(writer, eyes, pid);
      if (doubted > 0) {
        logger.warn(
          'This monitor seems to be restored from a backup: nothing is decided of a group until all its nodes have reported.',
        );
      }
      await refuseAbandonedCommands(writer);
      const chosen = new ChosenSettings(this.options.settings, startedAt);

      eyes.on('notification', ({ payload }) => this.#inbox.note(payload ?? ''));
      await eyes.query('LISTEN inbox');
      const checker = new HealthChecker(
        chosen.settings,
        () => this.#inbox.wake(),
        (sentence) => logger.warn(sentence),
      );
      this.#checker = checker;
      const contacts = new Contacts();
      // A session that is lost ends this one by itself.
      const announcer = new Announcer(
        eyes,
        (error) => logger.warn('News are not announced.', { error }),
        () => this.#inbox.wake(),
      );
      const { manyNodes } = this.options;
      const news = new NewsLook({
        client: writer,
        connect: () => this.#open('pgaf monitor news'),
        term,
        inbox: this.#inbox,
        announcer,
        logger,
        ...(manyNodes !== undefined && { manyNodes }),
      });
      const groups = new GroupDesk({
        client: writer,
        eyes,
        pid,
        term,
        get timings() {
          return chosen.timings;
        },
        contacts,
        kinds,
        logger,
        inbox: this.#inbox,
        announcer,
        checker,
      });
      const commands = new CommandDesk({
        client: writer,
        eyes,
        pid,
        term,
        get timings() {
          return chosen.timings;
        },
        contacts,
        kinds,
        logger,
        inbox: this.#inbox,
        announcer,
      });

      logger.info(`The monitor service decides, in term ${term}.`);
      this.options.onReady?.(term);
      const look = new GroupLook({ client: writer, contacts, checker, groups });
      await this.#loop({ writer, chosen, news, groups, look, commands, checker });
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async close(): Promise<void> {
    this.#checker?.stop();
    await Promise.all([...this.#clients].map((client) => client.end().catch(() => undefined)));
  }

  async #loop(at: {
    writer: Client;
    chosen: ChosenSettings;
    news: NewsLook;
    groups: GroupDesk;
    look: GroupLook;
    commands: CommandDesk;
    checker: HealthChecker;
  }): Promise<void> {
    const round = new Round();
    const sessions = new SessionLook(at.writer);
    let commandsAt = 0;
    for (;;) {
      this.#throwFailure();
      if (this.options.signal.aborted) return;
      if (at.chosen.renew()) {
        at.checker.setPace(at.chosen.settings);
        this.#trimmedAt = -Infinity;
      }
      const { settings, timings } = at.chosen;
      const now = performance.now();
      await at.news.look(now);
      const commands = this.#inbox.takeCommands();
      if (commands === 'waiting' || now >= commandsAt) {
        commandsAt = now + LOOK_FOR_COMMANDS_EVERY;
        await at.commands.answerWaiting();
      }
      await at.groups.recordHealth(at.checker.takeNews(this.#inbox.inflow));

      const absent = await sessions.look(now);
      if (absent) at.groups.noteAbsent(absent);
      const { crowd } = at.news;
      await at.look.lookAt(this.#inbox.takeGroups(), timings, crowd);
      if (round.isDue(now, this.#inbox.inflow)) {
        const { isLast } = await round.next(now, (after, limit) =>
          at.look.lookAtNext(after, limit, timings, crowd),
        );
        if (isLast) {
          at.look.endRound();
          this.decided = true;
        }
      }
      await this.#trim(at.writer, settings, now);
      const next = Math.min(sessions.dueAt, commandsAt, round.dueAt, at.news.dueAt);
      await this.#inbox.wait(Math.max(1, next - performance.now()));
    }
  }

  async #trim(client: Client, settings: MonitorSettings, now: number): Promise<void> {
    if (now - this.#trimmedAt < TRIM_EVERY) return;
    this.#trimmedAt = now;
    try {
      const left = await trimHistory(client, settings);
      if (left === 'more') this.#trimmedAt = now - TRIM_EVERY + TRIM_ON;
    } catch (error) {
      if (!isBlocked(error)) throw error;
      this.options.logger.warn('Old events and commands are not trimmed: somebody holds their table.', {
        error,
      });
    }
  }

  /** False when the service was told to end before it got the lock. */
  async #awaitLock(client: Client): Promise<boolean> {
    const { logger, signal } = this.options;
    const patience = performance.now() + (this.options.lockPatience ?? LOCK_PATIENCE);
    let warned = false;
    for (;;) {
      this.#throwFailure();
      if (signal.aborted) return false;
      const refused = await takeServiceLock(client);
      if (!refused) return true;
      if (!warned) {
        logger.warn(
          `Another monitor service decides (pid ${refused.heldBy} of the monitor's Postgres); waiting for its end.`,
        );
        warned = true;
      }
      if (performance.now() > patience) throw new ServiceRunsError(refused.heldBy);
      await sleep(TRY_LOCK_EVERY, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @throws what kept it from a term; who holds the row of the service is said. */
  async #beginTerm(writer: Client, eyes: Client, pid: number): Promise<Term> {
    const begun = await watchBlockers(eyes, pid, LOOK_FOR_BLOCKERS_AFTER, () => beginTerm(writer));
    if ('result' in begun) return begun.result;
    if (isBlocked(begun.error)) {
      const { blockers } = begun;
      this.options.logger.warn(
        `The table pgautofailover.service is locked by ${blockers.join(', ') || 'another session'}: nothing is decided before that ends.`,
      );
    }
    throw begun.error;
  }

  /** A connection without which this session ends. */
  async #connect(applicationName: string): Promise<Client> {
    const client = await this.#open(applicationName);
    const fail = (error?: Error) => {
      this.#failure ??=
        error ??
        new PgafError('The connection to the monitor was closed.', {
          code: 'connection-lost',
          exit: EXIT.monitor,
        });
      this.#inbox.wake();
    };
    client.on('error', fail);
    client.on('end', () => fail());
    return client;
  }

  async #open(applicationName: string): Promise<Client> {
    const { socketDirectory, port, user } = this.options.database;
    const client = new pg.Client({
      host: socketDirectory,
      port,
      user,
      database: 'pg_auto_failover',
      application_name: applicationName,
      connectionTimeoutMillis: 2000,
      lock_timeout: LOCK_TIMEOUT,
      statement_timeout: STATEMENT_TIMEOUT,
      // Up to Postgres 14 anybody may put functions into the schema public; this session is a superuser's.
      options: '-c search_path=pg_catalog,pg_temp',
    });
    // Whoever has opened it hears of its end.
    client.on('error', () => undefined);
    client.on('end', () => this.#clients.delete(client));
    this.#clients.add(client);
    await client.connect();
    return client;
  }

  #throwFailure(): void {
    if (this.#failure && !this.options.signal.aborted) throw this.#failure;
  }
}

/** The settings of the moment, with what is computed of them. */
class ChosenSettings {
  settings: MonitorSettings;
  timings: Timings;

  constructor(
    private readonly ask: () => MonitorSettings,
    private readonly startedAt: number,
  ) {
    this.settings = ask();
    this.timings = timingsOf(this.settings, startedAt);
  }

  /** True when they are others than before. */
  renew(): boolean {
    const asked = this.ask();
    if (asked === this.settings) return false;
    this.settings = asked;
    this.timings = timingsOf(asked, this.startedAt);
    return true;
  }
}

async function backendPid(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}
