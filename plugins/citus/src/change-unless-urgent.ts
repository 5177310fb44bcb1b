import { setTimeout as pause } from 'node:timers/promises';
import type { FormationView, KeeperContext, SqlSession } from '@pgaf/plugin-api';

const BETWEEN_LOOKS_MS = 200;

/**
 * Does what goes to other nodes, one of which may hang and hold locks of `pg_dist_node` for as long as a statement may
 * take; ends it as soon as the formation shows something that clients wait for. Resolves to whether it was done.
 */
export async function changeUnlessUrgent(
  { sql, lookAgain, signal }: Pick<KeeperContext, 'sql' | 'lookAgain' | 'signal'>,
  change: (session: SqlSession) => Promise<void>,
  isUrgent: (formation: FormationView) => boolean,
): Promise<boolean> {
  const session = await sql.session();
  try {
    const [own] = await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const watching = new AbortController();
    let endedForUs = false;
    const watch = async (): Promise<void> => {
      while (!watching.signal.aborted) {
        await pause(BETWEEN_LOOKS_MS, undefined, { signal: watching.signal });
        // A monitor that is away has no news.
        const formation = await lookAgain().catch(() => null);
        if (watching.signal.aborted || !(signal.aborted || (formation !== null && isUrgent(formation))))
          continue;
        endedForUs = true;
        await sql.query('SELECT pg_terminate_backend($1)', [own?.pid]);
        return;
      }
    };
    const watched = watch().catch(() => undefined);
    try {
      await change(session);
      return true;
    } catch (error) {
      if (endedForUs) return false;
      throw error;
    } finally {
      watching.abort();
      await Promise.race([watched, pause(BETWEEN_LOOKS_MS)]);
    }
  } finally {
    await session.close();
  }
}
