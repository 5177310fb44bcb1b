import { join } from 'node:path';
import { readBytes, writeAtomically, type Written } from './atomic-file.js';
import type { LocalClient } from './query.js';

/** What ALTER SYSTEM may have set when somebody else made this a standby (`pg_basebackup -R` does); it wins over ours. */
const UPSTREAM_SETTINGS = ['primary_conninfo', 'primary_slot_name', 'recovery_target_timeline'] as const;

const LINES = new RegExp(`^[ \\t]*(?:${UPSTREAM_SETTINGS.join('|')})[ \\t]*=.*\\n?`, 'gim');

/** Whom to follow is said by our file alone from now on. The rest of postgresql.auto.conf stays; Postgres is stopped. */
export async function removeForeignUpstream(pgdata: string): Promise<Written> {
  const path = join(pgdata, 'postgresql.auto.conf');
  const text = readBytes(path);
  const kept = text.replace(LINES, '');
  return kept === text ? 'unchanged' : writeAtomically(path, kept);
}

/** The same on a Postgres that runs; in force at the next reload. */
export async function resetForeignUpstream(client: LocalClient): Promise<void> {
  const rows = await client.query<{ name: string }>(
    `SELECT DISTINCT name FROM pg_file_settings
      WHERE name = ANY ($1) AND sourcefile LIKE '%/postgresql.auto.conf'`,
    [[...UPSTREAM_SETTINGS]],
  );
  for (const { name } of rows) await client.query(`ALTER SYSTEM RESET ${name}`);
}
