import { join } from 'node:path';
import { bytesOf, readBytes, writeAtomically, type Written } from './atomic-file.js';
import { withBlock } from './marked-block.js';

/** Name and value; a later one of the same name wins, as in Postgres. */
export type Setting = readonly [name: string, value: string];

/**
 * Files of ours in the data directory, in the order they are included: after all of postgresql.conf, so that only
 * postgresql.auto.conf (ALTER SYSTEM) and the command line come later.
 */
export const SETTINGS_FILES = {
  node: 'postgresql-auto-failover.conf',
  standby: 'postgresql-auto-failover-standby.conf',
  sync: 'postgresql-auto-failover-sync.conf',
} as const;

export type SettingsFile = keyof typeof SETTINGS_FILES;

const HEADER = '# Written by pgaf; a change made here is lost.';

/** A value as a Postgres configuration file wants it. */
export function quoteSetting(value: string): string {
  const escaped = value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n');
  return `'${escaped}'`;
}

/** What `quoteSetting` made, without its outer quotes. */
export function unquoteSetting(quoted: string): string {
  return quoted.replaceAll(/\\\\|\\n|''/g, (pair) => (pair === '\\n' ? '\n' : pair.slice(1)));
}

export function renderSettings(settings: readonly Setting[]): string {
  return [HEADER, ...settings.map(([name, value]) => `${name} = ${quoteSetting(value)}`), ''].join('\n');
}

const LINE = /^(\w+) = '(.*)'$/;

/** The settings of our files, the last of each name; what a start or a reload is to put into force. */
export function readSettings(pgdata: string): Setting[] {
  const values = new Map<string, string>();
  for (const name of Object.values(SETTINGS_FILES)) {
    const text = Buffer.from(readBytes(join(pgdata, name)), 'latin1').toString('utf8');
    for (const line of text.split('\n')) {
      const [, setting, quoted] = LINE.exec(line) ?? [];
      if (setting !== undefined && quoted !== undefined) values.set(setting, unquoteSetting(quoted));
    }
  }
  return [...values];
}

/** Writes one of our files whole. Postgres reads it at the next reload. */
export async function writeSettings(
  pgdata: string,
  file: SettingsFile,
  settings: readonly Setting[],
): Promise<Written> {
  return writeAtomically(join(pgdata, SETTINGS_FILES[file]), bytesOf(renderSettings(settings)));
}

/**
 * Sees to it that postgresql.conf ends with the lines that include our files. A missing file is no error then: a
 * copy of the data directory may have fewer of them.
 */
export async function includeSettingsFiles(pgdata: string): Promise<Written> {
  const path = join(pgdata, 'postgresql.conf');
  const body = Object.values(SETTINGS_FILES).map((name) => `include_if_exists '${name}'`);
  return writeAtomically(path, withBlock(readBytes(path), body, 'last', path));
}
