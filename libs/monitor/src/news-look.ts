import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import type { Logger } from '@pgaf/logging/logger';
import type { Client } from 'pg';
import { NEWS_LOCK } from './advisory-locks.js';
import type { Announcer } from './announcer.js';
import type { Inbox } from './inbox.js';
import { endsSession, inTransaction, isBlocked } from './transaction.js';

/** Whether nodes are so many that what is done for each of them, or by each of them, counts. */
export type Crowd = 'few' | 'many';

/**
 * From so many nodes on the service looks for news, and the others of a group in motion do: a notification costs the time
 * of all sessions that listen, a look always the same.
 */
export const MANY_NODES = 100;
const CHOOSE_EVERY: Milliseconds = 2000;
/** How often what is to be announced is looked for, when no news come with it. */
const LOOK_EVERY: Milliseconds = 200;
/** How long news are left alone that somebody has locked. */
const HOLD: Milliseconds = 1000;
/** Patience with news that were locked the last time; the first time it is the session's lock_timeout. */
const SHORT_LOCK_TIMEOUT = 50;
/** How long a session waits for news at once; less than a statement may take. */
const PATIENCE: Milliseconds = 1000;
/** How much is taken at once, so that no statement takes too long however much there is. */
const PIECE = 1000;

const TAKE = {
  name: 'take-news',
  text: `WITH taken AS (
           DELETE FROM pgautofailover_private.news
           WHERE ctid = ANY (ARRAY(SELECT ctid FROM pgautofailover_private.news LIMIT ${PIECE})) RETURNING payload)
         SELECT DISTINCT payload FROM taken
         UNION ALL SELECT NULL WHERE EXISTS (SELECT FROM pgautofailover_private.announcement)`,
};

export interface NewsLookOptions {
  /** The writer of the service. */
  readonly client: Client;
  /** Opens a session that does nothing but wait for news; its loss is no matter of the caller. */
  readonly connect: () => Promise<Client>;
  readonly term: number;
  readonly inbox: Inbox;
  readonly announcer: Announcer;
  readonly logger: Logger;
  readonly manyNodes?: number;
}

/**
 * Looks for what is written down for the service, while its nodes are so many that this is cheaper than to listen. While it
 * cannot, all is notified: whatever goes wrong here ends no session but the one that waits for news.
 */
export class NewsLook {
  #looks = false;
  #begun = false;
  #chooseAt: Milliseconds = -Infinity;
  #lookAt: Milliseconds = -Infinity;
  #heldUntil: Milliseconds = -Infinity;
  #watcher: Client | null = null;
  #opening = false;
  #watching = false;
  /** What was said last of what goes wrong; null when nothing has since. */
  #complaint: string | null = null;

  constructor(private readonly options: NewsLookOptions) {}

  /** As it was found last. */
  get crowd(): Crowd {
    return this.#looks ? 'many' : 'few';
  }

  /** When to look next, unless the inbox is woken; never while all is notified. */
  get dueAt(): Milliseconds {
    if (!this.#looks) return Infinity;
    return Math.min(Math.max(this.#heldUntil, this.#lookAt), this.options.announcer.dueAt);
  }

  /** Puts what is there into the inbox, and has announced what is to be announced. */
  async look(now: Milliseconds): Promise<void> {
    try {
      if (now >= this.#heldUntil) await this.#look(now);
    } catch (error) {
      if (endsSession(error)) throw error;
      this.#heldUntil = performance.now() + HOLD;
      this.#complain('News are not taken; groups are looked at all the same.', error);
    }
    if (this.#looks) this.options.announcer.announceWhenDue(now);
  }

  async #look(now: Milliseconds): Promise<void> {
    if (!this.#begun) {
      await this.#empty();
      this.#begun = true;
    }
    if (now >= this.#chooseAt) {
      this.#chooseAt = now + CHOOSE_EVERY;
      await this.#choose(now);
    }
    if (!this.#looks || now < this.#lookAt) return;
    this.#lookAt = now + LOOK_EVERY;
    await this.#take(now);
    this.#watch();
  }

  /** A service that begins looks at everything; what was left to the one before may be more than can be read. */
  async #empty(): Promise<void> {
    const { client } = this.options;
    const { rows } = await client.query<{ left: boolean }>(
      `SELECT pg_relation_size('pgautofailover_private.news') > 0 AS left`,
    );
    if (!rows[0]?.left) return;
    try {
      await inTransaction(client, async () => {
        await client.query(`SET LOCAL lock_timeout = ${SHORT_LOCK_TIMEOUT}`);
        await client.query('TRUNCATE pgautofailover_private.news');
      });
    } catch (error) {
      // Then they are taken, piece by piece.
      if (!isBlocked(error)) throw error;
    }
  }

  async #choose(now: Milliseconds): Promise<void> {
    const { client, term, announcer, manyNodes = MANY_NODES } = this.options;
    const { rows } = await client.query<{ many: boolean; left: boolean }>({
      name: 'choose-look',
      text: `SELECT (SELECT count(*) FROM pgautofailover.node) >= $1 AS many,
                    EXISTS (SELECT FROM pgautofailover_private.news)
                      OR EXISTS (SELECT FROM pgautofailover_private.announcement) AS left`,
      values: [manyNodes],
    });
    const { many = false, left = false } = rows[0] ?? {};
    if (many && !this.#watcher) this.#open();
    const looks = many && this.#watcher !== null;
    if (looks !== this.#looks) {
      await client.query('UPDATE pgautofailover.service SET looks_in_term = $1 WHERE term = $2', [
        looks ? term : 0,
        term,
      ]);
      this.#looks = looks;
      announcer.holdsBack = looks;
    }
    // Of a service before this one, or of a transaction that ended after the choice.
    if (looks || !left) return;
    await this.#take(now);
    announcer.announce();
  }

  async #take(now: Milliseconds): Promise<void> {
    const { client, inbox, announcer } = this.options;
    const take = () => client.query<{ payload: string | null }>(TAKE);
    const { rows } =
      this.#complaint === null
        ? await take()
        : await inTransaction(client, async () => {
            await client.query(`SET LOCAL lock_timeout = ${SHORT_LOCK_TIMEOUT}`);
            return take();
          });
    this.#complaint = null;
    for (const { payload } of rows) {
      if (payload === null) announcer.note(now);
      else inbox.note(payload);
    }
  }

  /** Beside the decisions, which do not wait for it: until it is there, all is notified. */
  #open(): void {
    if (this.#opening) return;
    this.#opening = true;
    this.#newWatcher()
      .catch((error: unknown) => this.#complain('News are not looked for yet; all is notified.', error))
      .finally(() => (this.#opening = false));
  }

  async #newWatcher(): Promise<void> {
    const watcher = await this.options.connect();
    let taken = false;
    try {
      const { rows } = await watcher.query<{ taken: boolean }>(
        'SELECT pg_try_advisory_lock($1, $2) AS taken',
        [...NEWS_LOCK],
      );
      taken = rows[0]?.taken === true;
    } finally {
      if (!taken) await watcher.end();
    }
    if (!taken) {
      // The session of a service that has just ended has it until Postgres notices.
      this.#chooseAt = performance.now() + LOOK_EVERY;
      return;
    }
    watcher.on('end', () => this.#lost(watcher));
    this.#watcher = watcher;
    this.#complaint = null;
    this.#chooseNow();
  }

  /** Its lock is gone with it, so all is notified; what was written down before is taken by the next choice. */
  #lost(watcher: Client): void {
    if (this.#watcher !== watcher) return;
    this.#watcher = null;
    this.#looks = false;
    this.options.announcer.holdsBack = false;
    this.#chooseNow();
  }

  #chooseNow(): void {
    this.#chooseAt = -Infinity;
    this.options.inbox.wake();
  }

  /** Has the loop of the service look once there are news: that costs the server less than a call each time. */
  #watch(): void {
    if (this.#watching || !this.#watcher) return;
    this.#watching = true;
    this.#watcher
      .query('CALL pgautofailover_private.await_news($1)', [PATIENCE])
      // Whatever it is, news are looked for now and then.
      .catch(() => pause(LOOK_EVERY))
      .finally(() => {
        this.#watching = false;
        this.#lookAt = -Infinity;
        this.options.inbox.wake();
      });
  }

  /** Once, until it is another one or is over. */
  #complain(sentence: string, error: unknown): void {
    const message = `${sentence} ${error instanceof Error ? error.message : String(error)}`;
    if (this.#complaint !== message) this.options.logger.warn(sentence, { error });
    this.#complaint = message;
  }
}
