import { formatDuration } from '@pgaf/core/durations';
import { PgafError } from '@pgaf/core/errors';
import { settle } from '@pgaf/fsm/settle';
import { whatFailoverWaitsFor } from '@pgaf/fsm/waiting';
import type { Logger } from '@pgaf/logging/logger';
import type { Sighting, Timings } from '@pgaf/plugin-api/snapshot';
import type { Client } from 'pg';
import type { Announcer } from './announcer.js';
import { watchBlockers } from './blockers.js';
import type { Kinds } from './command-handlers.js';
import type { Contacts } from './contacts.js';
import { changesNothing, SnapshotOutdatedError, writeDecision, type Decision } from './decision-store.js';
import { loadGroups, type GroupKey, type StoredGroup } from './group-store.js';
import type { HealthChecker, HealthNews } from './health-checker.js';
import { writeHealth } from './health-store.js';
import { holdReports } from './held-reports.js';
import { keyText, type Inbox } from './inbox.js';
import { logDecision } from './log-decision.js';
import { TermLostError } from './term.js';
import { endsSession, inTransaction, isBlocked } from './transaction.js';
import { WritersSeen } from './writers-seen.js';

export interface GroupDeskOptions {
  readonly client: Client;
  readonly eyes: Client;
  /** The backend of `client`. */
  readonly pid: number;
  readonly term: number;
  readonly timings: Timings;
  readonly contacts: Contacts;
  readonly kinds: Kinds;
  readonly logger: Logger;
  readonly inbox: Inbox;
  readonly announcer: Announcer;
  readonly checker: HealthChecker;
}

/** A group that could not be written is left alone for this long, so that it does not hold up the others. */
const HOLD = 1000;
/** Patience with a group that was blocked the last time; the first time it is the session's lock_timeout. */
const SHORT_LOCK_TIMEOUT = 50;
const LOOK_FOR_BLOCKERS_AFTER = 300;
const LOOK_AGAIN_AFTER = 25;

interface Held {
  readonly until: number;
  readonly reason: string;
}

type Absence = GroupKey & { readonly session: Sighting['session'] };

/** Decides for groups, one transaction each; what goes wrong with one does not touch the next. */
export class GroupDesk {
  readonly #held = new Map<string, Held>();
  #absent: ReadonlyMap<number, Absence> = new Map();
  readonly #writers = new WritersSeen();

  constructor(private readonly options: GroupDeskOptions) {}

  /** What is decided of it could not be written, and is tried again. */
  isHeld(key: GroupKey): boolean {
    return this.#held.has(keyText(key));
  }

  /** As it was when sessions were last looked at. */
  hasSession(node: number): boolean {
    return !this.#absent.has(node);
  }

  async settleAll(groups: readonly StoredGroup[]): Promise<void> {
    for (const group of groups) {
      const { formation, group: number } = group.snapshot;
      const key = { formation: formation.id, group: number };
      if ((this.#held.get(keyText(key))?.until ?? 0) > performance.now()) continue;
      await this.#settleOne(key, group);
      // With what was decided of it. Nodes of other groups are at rest, and send their writes elsewhere.
      if (this.#writers.hasBegunForOthers(group.snapshot)) this.options.announcer.hasten();
    }
  }

  /** Puts the groups of nodes whose keeper's session came or went into the inbox. */
  noteAbsent(absent: ReadonlyMap<number, Absence>): void {
    const before = this.#absent;
    for (const [id, { formation, group }] of [...before, ...absent]) {
      if (before.get(id)?.session !== absent.get(id)?.session) this.options.inbox.add({ formation, group });
    }
    this.#absent = absent;
  }

  /** All in one transaction; when somebody holds one of the rows, each by itself, so that the others are written. */
  async recordHealth(news: readonly HealthNews[]): Promise<void> {
    const { client, logger, checker, inbox } = this.options;
    try {
      for (const { node, formation, group, change } of await writeHealth(client, news)) {
        if (change !== 'none') inbox.add({ formation, group });
        const told = news.find((each) => each.node === node);
        if (change === 'flip' && told) logger.info(`Node ${node} is seen as ${told.health}: ${told.reason}.`);
      }
    } catch (error) {
      if (!isBlocked(error)) throw error;
      const [only, ...others] = news;
      if (only && others.length === 0) {
        checker.giveBack(only);
        logger.warn(`The health of node ${only.node} cannot be written: its row is locked.`, { error });
      } else {
        for (const each of news) await this.recordHealth([each]);
      }
    }
  }

  async #settleOne(key: GroupKey, before: StoredGroup): Promise<void> {
    const { eyes, pid, inbox, announcer, logger } = this.options;
    const name = keyText(key);
    let first: Decision;
    try {
      first = this.#decide(before);
    } catch (error) {
      this.#hold(key, `it cannot be decided: ${messageOf(error)}`, error);
      return;
    }
    if (changesNothing(first)) {
      this.#held.delete(name);
      return;
    }
    const again = this.#held.has(name);
    const written = await watchBlockers(eyes, pid, again ? LOOK_AGAIN_AFTER : LOOK_FOR_BLOCKERS_AFTER, () =>
      this.#write(key, first, again ? SHORT_LOCK_TIMEOUT : null),
    );
    if ('result' in written) {
      this.#held.delete(name);
      const decision = written.result;
      if (!decision) return;
      logDecision(logger, decision);
      // New goals are decided on again from the tables; a new sentence of what is waited for is not news.
      const { transitions, removed } = decision.settled;
      if (transitions.length > 0) announcer.decided(key);
      if (transitions.length > 0 || removed.length > 0) inbox.add(key);
      return;
    }
    const { error, blockers } = written;
    if (error instanceof TermLostError || endsSession(error)) throw error;
    if (isBlocked(error)) {
      this.#hold(key, `its rows are locked by ${blockers.join(', ') || 'another session'}`, error);
    } else {
      this.#hold(key, `it cannot be written: ${messageOf(error)}`, error);
    }
  }

  /**
   * @param lockTimeout Null for that of the session.
   * @returns what was written, which is another decision when a node has reported since the first one; null for nothing.
   */
  async #write(key: GroupKey, first: Decision, lockTimeout: number | null): Promise<Decision | null> {
    const { client, term, timings, contacts } = this.options;
    const bounded = <T>(work: () => Promise<T>): Promise<T> =>
      inTransaction(client, async () => {
        if (lockTimeout !== null) await client.query(`SET LOCAL lock_timeout = ${lockTimeout}`);
        return work();
      });
    try {
      // One statement, which is a transaction by itself.
      if (lockTimeout === null) await writeDecision(client, term, first);
      else await bounded(() => writeDecision(client, term, first));
      return first;
    } catch (error) {
      if (!(error instanceof SnapshotOutdatedError)) throw error;
    }
    return bounded(async () => {
      await holdReports(client, term, [key]);
      const [now] = contacts.date(await loadGroups(client, timings, [key]));
      const decision = now && this.#decide(now);
      if (!decision || changesNothing(decision)) return null;
      await writeDecision(client, term, decision);
      return decision;
    });
  }

  #decide(before: StoredGroup): Decision {
    const book = this.options.kinds.ruleBook(before.snapshot.formation.kind);
    const settled = settle(before.snapshot, book);
    return { before, settled, waiting: whatFailoverWaitsFor(settled.group) };
  }

  /** Leaves a group alone for a while; said once, and again when the reason is another. */
  #hold(key: GroupKey, reason: string, error: unknown): void {
    const name = keyText(key);
    const known = this.#held.get(name)?.reason === reason;
    this.#held.set(name, { until: performance.now() + HOLD, reason });
    if (known) return;
    const text = `Group ${key.group} of formation "${key.formation}" is skipped for ${formatDuration(HOLD)}: ${reason}.`;
    if (isBlocked(error)) this.options.logger.warn(text);
    else if (error instanceof PgafError && error.code !== 'bug') this.options.logger.warn(text, { error });
    else this.options.logger.error(text, { error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
