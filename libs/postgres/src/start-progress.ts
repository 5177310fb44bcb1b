import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argumentsOf, postgresProcessesOf } from './processes.js';

/**
 * A word that changes whenever a starting Postgres gets on: `pg_control` (checkpoint, REDO, end of recovery) and
 * the startup process's title, which names the WAL segment that it replays.
 */
export async function startProgress(pgdata: string): Promise<string> {
  const control = await readFile(join(pgdata, 'global', 'pg_control')).catch(() => Buffer.alloc(0));
  const titles = postgresProcessesOf(pgdata).map(({ pid }) => argumentsOf(pid)[0] ?? '');
  const startup = titles.find((title) => title.includes('startup')) ?? '';
  return `${createHash('sha1').update(control).digest('hex')} ${startup}`;
}
