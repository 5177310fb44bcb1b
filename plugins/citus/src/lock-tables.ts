import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import type { LocalSql, SqlSession } from '@pgaf/plugin-api';
import { sqlStateOf } from './apply-edits.js';
import { bound, endingBy } from './bounded-session.js';
import { blockerOf, endBlockers } from './lock-blockers.js';

/** All locks of one attempt together. */
const ATTEMPT_MS = 300;
/** Statements that wait behind us get on meanwhile. */
const BACK_OFF_MS = 150;
const GIVE_UP_AFTER_MS = 5000;
/** By force transactions are ended that have lasted for as long as others are waited for; so may one that has begun last. */
const FORCED_GIVE_UP_AFTER_MS = GIVE_UP_AFTER_MS + 1000;
/** Before an attempt ends by its timeout. */
const LOOK_FOR_BLOCKER_MS = 200;
/** SQLSTATEs of an attempt that was in vain: lock and statement timeout, deadlock. */
const IN_VAIN: ReadonlySet<string> = new Set(['55P03', '57014', '40P01']);

/**
 * Holds up what makes shards or goes to all nodes: tables that become distributed, and DDL. It is taken after the locks of
 * tables, as by writes to a reference table; those that got shards in the group until then are locked next.
 */
const LOCK_NODES = 'LOCK TABLE pg_dist_node IN EXCLUSIVE MODE';

/**
 * Holds up every statement of clients here about tables that have shards in the group, also reads: on this node alone,
 * by the locks of its own tables, in the order of their ids.
 */
const LOCK_TABLES = `
SELECT lock_relation_if_exists(format('%I.%I', nspname, relname), 'ACCESS EXCLUSIVE')
  FROM (SELECT nspname, relname
          FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
         WHERE pg_class.oid IN (SELECT logicalrelid FROM pg_dist_shard JOIN pg_dist_placement USING (shardid)
                                 WHERE groupid = $1)
         ORDER BY pg_class.oid) AS tables`;

/** The locks are held until the session's transaction ends; or who would not let us have them. */
export type TableLocks =
  | {
      readonly tag: 'held';
      readonly session: SqlSession;
      /** When the server ends the transaction, of `performance.now()`. */
      readonly until: Milliseconds;
    }
  | { readonly tag: 'refused'; readonly reason: string };

export interface Tries {
  /** How long the locks are held at most, with the attempt; the server sees to it, whatever becomes of this keeper. */
  readonly heldFor: Milliseconds;
  /** By force: hears what was ended, a sentence. Null when who does not let us have the locks is left alone. */
  readonly onEnded: ((sentence: string) => void) | null;
  /** Before each further try: why there is none, or null. */
  readonly whyNoMore: () => Promise<string | null>;
}

/** Tries for a while, and never for long at a time: who waits for the same tables waits for us, too. */
export async function lockTablesOf(group: number, sql: LocalSql, tries: Tries): Promise<TableLocks> {
  const session = await sql.session();
  let heldUntil: Milliseconds | null = null;
  try {
    const [own] = await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const until = performance.now() + (tries.onEnded ? FORCED_GIVE_UP_AFTER_MS : GIVE_UP_AFTER_MS);
    let blocker = 'an unknown process';
    for (;;) {
      const looking = new AbortController();
      const found = lookForBlocker(own?.pid ?? 0, sql, tries, looking.signal);
      heldUntil = await tryToLock(group, session, tries.heldFor);
      looking.abort();
      blocker = (await found) ?? blocker;
      if (heldUntil !== null) return { tag: 'held', session: endingBy(session, heldUntil), until: heldUntil };
      if (performance.now() > until) break;
      await pause(BACK_OFF_MS);
      const reason = await tries.whyNoMore();
      if (reason !== null) return { tag: 'refused', reason };
    }
    return { tag: 'refused', reason: `queries cannot be held up: ${blocker} does not end` };
  } finally {
    if (heldUntil === null) await session.close();
  }
}

/** Until when the locks are held at most, of `performance.now()`; null when the attempt was in vain. */
async function tryToLock(
  group: number,
  session: SqlSession,
  heldFor: Milliseconds,
): Promise<Milliseconds | null> {
  const begun = performance.now();
  const [statement, until] = [begun + ATTEMPT_MS, begun + heldFor];
  await session.query('BEGIN');
  try {
    for (const [lock, values] of [[LOCK_TABLES, [group]], [LOCK_NODES], [LOCK_TABLES, [group]]] as const) {
      await bound(session, { statement, idle: until });
      await session.query(lock, values);
    }
    await bound(session, { statement: until, idle: until });
    return until;
  } catch (error) {
    await session.query('ROLLBACK');
    if (IN_VAIN.has(sqlStateOf(error) ?? '')) return null;
    throw error;
  }
}

/** Who keeps this process waiting, looked up while it waits; by force it is ended when it has lasted for too long. */
async function lookForBlocker(
  pid: number,
  sql: LocalSql,
  { onEnded }: Pick<Tries, 'onEnded'>,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    await pause(LOOK_FOR_BLOCKER_MS, undefined, { signal });
    if (onEnded) for (const ended of await endBlockers(pid, sql, GIVE_UP_AFTER_MS)) onEnded(ended);
    return await blockerOf(pid, sql);
  } catch {
    return null;
  }
}
