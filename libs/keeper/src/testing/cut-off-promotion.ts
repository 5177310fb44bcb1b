import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readControlData } from '@pgaf/postgres/control-data';
import { endLeftovers } from '@pgaf/postgres/leftovers';
import type { RuleMonitor } from './rule-monitor.js';
import { killPostmaster, until, type TestNode } from './test-nodes.js';

/**
 * How far the startup process comes. `signal`: standby.signal is gone, and nothing tells of the new timeline but a segment.
 * `record`: the new timeline has its history and its first record, and pg_control knows of it.
 */
export type Reached = 'signal' | 'record';

/** Has the next promotion hang there. @returns what waits until it does, and what lets later ones come to their end. */
export async function hangPromotion(
  node: TestNode,
  monitor: RuleMonitor,
  reached: Reached,
): Promise<{ readonly hangs: () => Promise<void>; readonly mend: () => Promise<void> }> {
  const { pgdata, bindir } = node.config;
  const signal = join(pgdata, 'standby.signal');
  if (reached === 'signal') {
    // The history that the new one begins with is read right after the signal is gone; nobody writes this one.
    const history = join(pgdata, 'pg_wal', '00000001.history');
    await promisify(execFile)('mkfifo', [history]);
    return {
      hangs: () => until('the signal is gone', monitor, () => !existsSync(signal)),
      mend: () => rm(history),
    };
  }
  const hang = join(node.config.socketDirectory, 'hang');
  await writeFile(hang, '');
  await node.sql.query(`ALTER SYSTEM SET recovery_end_command = 'rm ${hang} && kill -STOP $PPID || true'`);
  await node.sql.query('SELECT pg_reload_conf()');
  return {
    hangs: () =>
      until('pg_control knows of the timeline', monitor, async () => {
        const { minRecoveryTimeline } = await readControlData(bindir, pgdata);
        return minRecoveryTimeline > 1 && !existsSync(signal) && !existsSync(hang);
      }),
    mend: () => rm(hang, { force: true }),
  };
}

/** Somebody promotes the standby, and all of Postgres is killed before that is over. Its keeper must do nothing meanwhile. */
export async function promoteInVain(node: TestNode, monitor: RuleMonitor, reached: Reached): Promise<void> {
  const { hangs, mend } = await hangPromotion(node, monitor, reached);
  await node.sql.query('SELECT pg_promote(wait => false)');
  await hangs();
  await killPostmaster(node);
  await endLeftovers(node.config.pgdata);
  await mend();
}
