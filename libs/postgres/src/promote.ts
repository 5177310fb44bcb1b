import { BugError } from '@pgaf/core/errors';
import { isReaped, processorTicks } from './processes.js';
import type { LocalClient, Row } from './query.js';
import { readTimelineHistory, type TimelineSwitch } from './timeline-history.js';
import { until } from './until.js';

export interface Promoted {
  readonly timeline: number;
  /** What it descends from, the parent last; empty for timeline 1, and for one whose ancestors were disowned. */
  readonly history: readonly TimelineSwitch[];
  /**
   * The end of recovery was seen whole, and no process of Postgres crashed in it. A postmaster that hears of a crash
   * and then of the startup process' success takes writes on the shared memory of those it has just ended: it may
   * wait for them without end at the next checkpoint (Postgres 15). Only a restart helps.
   */
  readonly intact: boolean;
}

const POLL_MS = 3;
/** While recovery ends, what it has replayed is of no interest, and whoever asks takes the processor from it. */
const LOOK_FOR_WORK_EVERY_MS = 100;
/** What is left to replay may take any time, as may a single record of it; who does nothing for this long is stuck. */
const STANDS_STILL_MS = 20_000;

const PROCESSES = `
SELECT pg_is_in_recovery() AS recovering,
       (SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup') AS startup,
       (SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer') AS checkpointer`;

interface Processes extends Row {
  readonly recovering: boolean;
  readonly startup: number | null;
  readonly checkpointer: number | null;
}

const REPLAYED = 'SELECT pg_last_wal_replay_lsn()::text AS lsn';

const WRITING = `
SELECT CASE WHEN pg_is_in_recovery() THEN NULL
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END AS timeline`;

/**
 * Ends recovery, and waits until this Postgres takes writes. One that is a primary already answers at once. Null when its
 * recovery stands still: only a restart may help.
 */
export async function promote(
  client: LocalClient,
  pgdata: string,
  signal?: AbortSignal,
): Promise<Promoted | null> {
  const before = await processesOf(client);
  if (before.recovering) await client.query('SELECT pg_promote(wait => false)');
  const { startup } = before;
  const timeline = await endOfRecovery(client, startup, signal);
  if (timeline === null) return null;
  if (startup !== null) await until(() => isReaped(startup) || undefined, { everyMs: POLL_MS, signal });
  const after = await processesOf(client);
  const intact = before.recovering && before.checkpointer === after.checkpointer;
  const history = await readTimelineHistory(pgdata, timeline);
  return { timeline, history, intact };
}

/** The timeline that is written then; null when nothing is replayed any more, and nothing ends. */
async function endOfRecovery(
  client: LocalClient,
  startup: number | null,
  signal: AbortSignal | undefined,
): Promise<number | null> {
  let work = '';
  let stillSince = performance.now();
  let lookAt = stillSince + LOOK_FOR_WORK_EVERY_MS;
  return until(
    async () => {
      const timeline = await writtenTimeline(client);
      if (timeline !== null) return timeline;
      const now = performance.now();
      if (now < lookAt) return undefined;
      lookAt = now + LOOK_FOR_WORK_EVERY_MS;
      const [row] = await client.query<{ lsn: string | null }>(REPLAYED);
      // A record that copies or removes a whole database is replayed for long, and begun anew after a restart.
      const seen = `${row?.lsn} ${startup === null ? '' : processorTicks(startup)}`;
      if (seen !== work) [work, stillSince] = [seen, now];
      return now - stillSince > STANDS_STILL_MS ? null : undefined;
    },
    { everyMs: POLL_MS, signal },
  );
}

/** The timeline that this Postgres writes; null while it is in recovery. */
export async function writtenTimeline(client: LocalClient): Promise<number | null> {
  const [row] = await client.query<{ timeline: number | null }>(WRITING);
  return row?.timeline ?? null;
}

async function processesOf(client: LocalClient): Promise<Processes> {
  const [row] = await client.query<Processes>(PROCESSES);
  if (!row) throw new BugError('Postgres says nothing of its processes.');
  return row;
}
