import { EXIT, PgafError, UserError } from '@pgaf/core/errors';
import type { Client } from 'pg';
import { SERVICE_LOCK } from './advisory-locks.js';
import { inTransaction } from './transaction.js';

/** Another service has taken over; this one must not decide anything more and ends. */
export class TermLostError extends PgafError {
  constructor(term: number) {
    super(`Another monitor service has taken over from this one (term ${term}).`, {
      code: 'term-lost',
      exit: EXIT.monitor,
      hint: 'Run one monitor service for each monitor.',
    });
  }
}

/** Another service decides, and did not end within the time that one which is being replaced takes for that. */
export class ServiceRunsError extends UserError {
  constructor(heldBy: number) {
    super(`Another monitor service decides already (pid ${heldBy} of the monitor's Postgres).`, {
      code: 'another-service',
      exit: EXIT.internal,
      hint: 'Run one monitor service for each monitor: stop the other one first, or leave this one out.',
    });
  }
}

/** The pid of the session that holds the lock of the service when this one cannot have it; null when it can. */
export async function takeServiceLock(client: Client): Promise<{ heldBy: number } | null> {
  const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS taken', [
    ...SERVICE_LOCK,
  ]);
  if (rows[0]?.taken) return null;
  const holder = await client.query<{ pid: number }>(
    `SELECT pid FROM pg_locks
     WHERE locktype = 'advisory' AND classid = $1 AND objid = $2 AND granted`,
    [...SERVICE_LOCK],
  );
  return { heldBy: holder.rows[0]?.pid ?? 0 };
}

export interface Term {
  readonly term: number;
  readonly startedAt: number;
  /** How many groups are not believed, as the monitor seems to be restored from a backup since its last term. */
  readonly doubted: number;
}

/** Each row is of the system and timeline that it was written on, so a restored one is not of those of now. */
const BEGIN_TERM = `
WITH here AS (
  SELECT (SELECT system_identifier FROM pg_control_system()) AS system_identifier,
         ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int AS timeline
)
UPDATE pgautofailover.service s SET term = term + 1, started_at = clock_timestamp(),
       doubted_in_term = CASE WHEN s.system_identifier <> here.system_identifier OR s.timeline <> here.timeline
                              THEN term + 1 ELSE doubted_in_term END,
       system_identifier = here.system_identifier, timeline = here.timeline
FROM here
RETURNING term::float8, (extract(epoch FROM started_at) * 1000)::float8 AS started, doubted_in_term = term AS restored`;

/** More nodes than anybody registers between a backup and its use. */
const NODES_SINCE = 1000;

/** A node that was registered since the backup was made keeps its id, though this monitor knows nothing of it. */
const SKIP_NODE_IDS = `
SELECT setval('pgautofailover.node_nodeid_seq', nextval('pgautofailover.node_nodeid_seq') + ${NODES_SINCE}),
       (SELECT count(*)::int FROM pgautofailover.group_state) AS doubted`;

/** Opens a term; whatever an earlier one still has in hand can no longer be committed. */
export async function beginTerm(client: Client): Promise<Term> {
  return inTransaction(client, async () => {
    const { rows } = await client.query<{ term: number; started: number; restored: boolean }>(BEGIN_TERM);
    const row = rows[0];
    if (!row) throw new TermLostError(0);
    const { term, started: startedAt, restored } = row;
    if (!restored) return { term, startedAt, doubted: 0 };
    const skipped = await client.query<{ doubted: number }>(SKIP_NODE_IDS);
    return { term, startedAt, doubted: skipped.rows[0]?.doubted ?? 0 };
  });
}

/** @throws TermLostError when the term is over. Holds the row: nobody can open a term before the commit. */
export async function requireTerm(client: Client, term: number): Promise<void> {
  const { rowCount } = await client.query({
    name: 'require-term',
    text: 'SELECT FROM pgautofailover.service WHERE term = $1 FOR SHARE',
    values: [term],
  });
  if (rowCount === 0) throw new TermLostError(term);
}
