import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { outputOf } from '../systems/find-program.js';

/** The version of the extension that belongs to this Postgres, or null without one. */
export function citusOf(pgctl: string): string | null {
  const sharedir = outputOf(join(dirname(pgctl), 'pg_config'), ['--sharedir']);
  const file = join(sharedir, 'extension', 'citus.control');
  if (!existsSync(file)) return null;
  return /default_version = '([^']+)'/.exec(readFileSync(file, 'utf8'))?.[1] ?? 'unknown';
}
