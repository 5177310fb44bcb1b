import pg from 'pg';
import type { Preparation } from './monitor-session.js';

const UNDEFINED_FUNCTION = '42883';

/**
 * Before the first report over a connection: has the monitor refuse what comes over an older one from now on. A report that
 * this node has given up may still be on its way, and would overwrite what is said after it.
 */
export function beginSession(nodeId: number): Preparation {
  return async (ask) => {
    try {
      await ask('SELECT pgautofailover.begin_session($1)', [nodeId]);
    } catch (error) {
      // An older monitor, to which a session begins with its first report.
      if (error instanceof pg.DatabaseError && error.code === UNDEFINED_FUNCTION) return;
      throw error;
    }
  };
}
