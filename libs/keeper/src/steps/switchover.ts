import type { Milliseconds } from '@pgaf/core/durations';
import { done, retry, type Outcome } from '@pgaf/core/result';
import { parseLsn, type Lsn } from '@pgaf/core/lsn';
import { checkpoint as checkpointNow } from '@pgaf/postgres/checkpoint';
import { standbyName } from '@pgaf/postgres/names';
import { QueryError } from '@pgaf/postgres/query';
import { orAborted } from '@pgaf/postgres/until';
import { pause } from '../pause.js';
import type { Situation } from '../situation.js';
import type { StepContext } from './step-context.js';

/** What a target may still have to receive when the stop begins. */
const CLOSE_BEHIND: Lsn = 16n * 1024n * 1024n;
/** A target that gets no nearer for this long is given up. */
const NO_PROGRESS: Milliseconds = 1500;
const SAMPLE: Milliseconds = 50;
/** Who has not flushed by then what was written before lags behind: usually it takes some milliseconds. */
const LAGGARDS_HAVE: Milliseconds = 300;

/** Writes out dirty buffers while clients still write, so that the stop that follows is short. */
export async function checkpoint({ situation, signal }: StepContext): Promise<Outcome> {
  const { instance, assignment, state, abandoned, observation } = situation;
  // Nothing is gained where nobody waits for the stop, and a Postgres in trouble may never finish one.
  const planned = assignment?.switchoverTarget != null || state.goal === 'dropped';
  if (!planned || abandoned !== null || !observation || observation.inRecovery) return done;
  try {
    await orAborted(checkpointNow(instance.server), signal);
  } catch (error) {
    // The stop makes one as well.
    if (!(error instanceof QueryError) || !error.turnedAway) throw error;
  }
  return done;
}

/**
 * Gives the switchover up, before anything stops, unless its target streams close behind. The stop waits for the other
 * standbys as well, but not for those that lag: they receive what they lack from the next primary.
 */
export async function verifyTarget({ situation, signal }: StepContext): Promise<Outcome> {
  const target = situation.assignment?.switchoverTarget ?? null;
  situation.laggards = [];
  // Who leaves stops in any case; the target has everything then, or waits for it.
  if (target === null || situation.leaving || !situation.instance.isRunning()) return done;
  if (situation.abandoned !== null) return retry(situation.abandoned);
  let best: Lsn | null = null;
  let nearerAt = performance.now();
  while (!signal.aborted) {
    const lag = await lagOf(situation, target);
    if (lag !== null && lag <= CLOSE_BEHIND) {
      situation.laggards = await laggardsBeside(situation, target, signal);
      return done;
    }
    const now = performance.now();
    if (lag !== null && (best === null || lag < best)) {
      best = lag;
      nearerAt = now;
    }
    if (now - nearerAt > NO_PROGRESS) {
      situation.abandoned =
        lag === null
          ? `node ${target} does not stream`
          : `node ${target} is ${lag} bytes behind and gets no nearer`;
      return retry(situation.abandoned);
    }
    await pause(SAMPLE, signal);
  }
  return retry('given up');
}

/** The walsenders, by pid, whose standbys do not flush what is written here soon. */
async function laggardsBeside(
  { instance }: Situation,
  target: number,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const [row] = await instance.sql.query<{ here: string }>('SELECT pg_current_wal_flush_lsn()::text AS here');
  const until = performance.now() + LAGGARDS_HAVE;
  for (;;) {
    const laggards = await instance.sql.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_replication
        WHERE application_name <> $1 AND state <> 'backup' AND coalesce(flush_lsn, write_lsn, '0/0') < $2`,
      [standbyName(target), row?.here],
    );
    if (laggards.length === 0 || signal.aborted || performance.now() > until)
      return laggards.map(({ pid }) => pid);
    await pause(SAMPLE, signal);
  }
}

/** Bytes that the standby has not flushed yet; null when it does not stream. */
async function lagOf({ instance }: Situation, node: number): Promise<Lsn | null> {
  const [row] = await instance.sql.query<{ here: string; there: string | null }>(
    `SELECT pg_current_wal_flush_lsn()::text AS here, flush_lsn::text AS there
       FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming'`,
    [standbyName(node)],
  );
  if (!row?.there) return null;
  const lag = parseLsn(row.here) - parseLsn(row.there);
  return lag > 0n ? lag : 0n;
}
