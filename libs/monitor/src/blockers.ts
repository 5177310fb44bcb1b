import type { Client } from 'pg';

/** Who keeps a session waiting, as text for the log: `pid 4711 (psql, idle in transaction for 12 s)`. */
export type Blockers = readonly string[];

/**
 * Runs the work of one session and finds out from another one, while the work still waits for a lock, who
 * holds it: once the wait has timed out, nothing in Postgres tells any more.
 */
export async function watchBlockers<T>(
  eyes: Client,
  waitingPid: number,
  after: number,
  work: () => Promise<T>,
): Promise<{ result: T } | { error: unknown; blockers: Blockers }> {
  let blockers: Promise<Blockers> = Promise.resolve([]);
  const timer = setTimeout(() => {
    blockers = blockersOf(eyes, waitingPid).catch(() => []);
  }, after);
  try {
    return { result: await work() };
  } catch (error) {
    return { error, blockers: await blockers };
  } finally {
    clearTimeout(timer);
  }
}

async function blockersOf(eyes: Client, waitingPid: number): Promise<Blockers> {
  const { rows } = await eyes.query<{ blocker: string }>(
    `SELECT format('pid %s (%s, %s for %s s)', a.pid, coalesce(nullif(a.application_name, ''), a.usename),
                   a.state, round(extract(epoch FROM clock_timestamp() - a.xact_start))) AS blocker
     FROM pg_stat_activity a WHERE a.pid = ANY (pg_blocking_pids($1))`,
    [waitingPid],
  );
  return rows.map(({ blocker }) => blocker);
}
