import { join } from 'node:path';
import { EXIT, UserError } from '@pgaf/core/errors';
import { readBytes } from './atomic-file.js';
import { fallsShort } from './setting-value.js';
import { unquoteSetting, type Setting } from './settings.js';

/** Where ALTER SYSTEM writes; Postgres reads it last. */
const FILE = 'postgresql.auto.conf';
const LINE = /^\s*([\w.]+)\s*=?\s*'(.*)'\s*$/;

/**
 * Whether a data directory lets these settings be: a file that comes after all of ours may give them less.
 * @throws UserError `setting-overridden`.
 */
export async function requireNoOverride(pgdata: string, wanted: readonly Setting[]): Promise<void> {
  const path = join(pgdata, FILE);
  const lines = readBytes(path).split('\n');
  for (const [name, needed] of wanted) {
    const line = lines.findLastIndex((one) => LINE.exec(one)?.[1]?.toLowerCase() === name);
    const value = unquoteSetting(LINE.exec(lines[line] ?? '')?.[2] ?? '');
    if (line < 0 || !fallsShort(name, value, needed)) continue;
    throw new UserError(`${name} is '${value}' by ${path}:${line + 1}, and it must have '${needed}'.`, {
      code: 'setting-overridden',
      exit: EXIT.badConfiguration,
      hint: `That file wins over the settings of pgaf. Run ALTER SYSTEM RESET ${name} there; or, while Postgres is stopped, remove the line.`,
    });
  }
}
