import { basename } from 'node:path';

/** The name the program was called by: a link named `pg_autoctl` makes it call itself that. */
export function programName(script: string | undefined): string {
  return basename(script ?? '') === 'pg_autoctl' ? 'pg_autoctl' : 'pgaf';
}
