import { formatDuration } from '@pgaf/core/durations';
import { PgafError } from '@pgaf/core/errors';
import { settle } from '@pgaf/fsm/settle';
import { whatFailoverWaitsFor } from '@pgaf/fsm/waiting';
import type { Logger } from '@pgaf/logging/logger';
import type { Sighting } from '@pgaf/plugin-api/snapshot';
import type { Client } from 'pg';
import { watchBlockers } from './blockers.js';
import type { Kinds } from './command-handlers.js';
import { changesNothing, SnapshotOutdatedError, writeDecision, type Decision } from './decision-store.js';
import type { GroupKey, StoredGroup } from './group-store.js';
import type { HealthChecker, HealthNews } from './health-checker.js';
import { writeHealth } from './health-store.js';
import { keyText, type Inbox } from './inbox.js';
import { logDecision } from './log-decision.js';
import { TermLostError } from './term.js';
import { endsSession, inTransaction, isBlocked } from './transaction.js';

export interface GroupDeskOptions {
  readonly client: Client;
  readonly eyes: Client;
  /** The backend of `client`. */
  readonly pid: number;
  readonly term: number;
  readonly kinds: Kinds;
  readonly logger: Logger;
  readonly inbox: Inbox;
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

  constructor(private readonly options: GroupDeskOptions) {}

  async settleAll(groups: readonly StoredGroup[]): Promise<void> {
    for (const group of groups) {
      const { formation, group: number } = group.snapshot;
      const key = { formation: formation.id, group: number };
      if ((this.#held.get(keyText(key))?.until ?? 0) > performance.now()) continue;
      await this.#settleOne(key, group);
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
    const { client, eyes, pid, term, inbox, logger } = this.options;
    const name = keyText(key);
    let decision: Decision;
    try {
      decision = this.#decide(before);
    } catch (error) {
      this.#hold(key, `it cannot be decided: ${messageOf(error)}`, error);
      return;
    }
    if (changesNothing(decision)) {
      this.#held.delete(name);
      return;
    }
    const again = this.#held.has(name);
    const written = await watchBlockers(eyes, pid, again ? LOOK_AGAIN_AFTER : LOOK_FOR_BLOCKERS_AFTER, () =>
      again
        ? inTransaction(client, async () => {
            await client.query(`SET LOCAL lock_timeout = ${SHORT_LOCK_TIMEOUT}`);
            await writeDecision(client, term, decision);
          })
        : writeDecision(client, term, decision),
    );
    if ('result' in written) {
      this.#held.delete(name);
      logDecision(logger, decision);
      // New goals are decided on again from the tables; a new sentence of what is waited for is not news.
      const { transitions, removed } = decision.settled;
      if (transitions.length > 0 || removed.length > 0) inbox.add(key);
      return;
    }
    const { error, blockers } = written;
    if (error instanceof TermLostError || endsSession(error)) throw error;
    if (error instanceof SnapshotOutdatedError) {
      inbox.add(key);
    } else if (isBlocked(error)) {
      this.#hold(key, `its rows are locked by ${blockers.join(', ') || 'another session'}`, error);
    } else {
      this.#hold(key, `it cannot be written: ${messageOf(error)}`, error);
    }
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
