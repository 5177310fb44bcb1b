import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EXIT, UserError } from '@pgaf/core/errors';
import { badLine, parseConfig, printConfig, type ConfigFile } from './ini-form.js';
import type { Schema } from './schema.js';
import { othersCanWrite, type Ownership } from './who-can-write.js';

export {
  parseConfig,
  printConfig,
  type ConfigEntry,
  type ConfigFile,
  type ForeignSection,
} from './ini-form.js';

const NO_NODE = 'Give the data directory of an existing node with --pgdata or PGDATA, or create the node.';

async function readText(path: string, whenMissing = NO_NODE): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new UserError(
      missing ? `There is no configuration file ${path}.` : `Cannot read the configuration file ${path}.`,
      {
        code: missing ? 'no-configuration' : 'unreadable-configuration',
        exit: EXIT.badConfiguration,
        hint: missing ? whenMissing : await hintForUnreadable(path),
        cause,
      },
    );
  }
}

async function hintForUnreadable(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  return found?.uid === process.getuid?.()
    ? `It is yours, so open it to you: chmod 600 '${path}'`
    : 'Run as the user who owns the file.';
}

/**
 * @throws UserError, exit 2: `no-configuration`, `unreadable-configuration`, `bad-configuration`, or
 * `open-configuration` for one that others can write to, or that has passwords and that others can read.
 */
export function readConfigFile(path: string, schema: Schema): Promise<ConfigFile> {
  return readGuarded(path, () => schema, { whenMissing: NO_NODE, isOpen: othersCanWrite });
}

/** What differs between a file that pgaf writes and one that its user does. */
export interface Guard {
  /** What the user does about a file that is not there. */
  readonly whenMissing: string;
  /** Whether somebody may write to it who must not. */
  readonly isOpen: (ownership: Ownership) => boolean;
}

/** The same for a file whose text says which settings it may have. */
export async function readGuarded(
  path: string,
  schemaOf: (text: string) => Schema,
  { whenMissing, isOpen }: Guard,
): Promise<ConfigFile> {
  const text = await readText(path, whenMissing);
  const ownership = await stat(path);
  const { mode } = ownership;
  if (isOpen(ownership)) throw tooOpen(path, 'others than its owner can write to it', mode);
  const schema = schemaOf(text);
  const file = parseConfig(path, text, schema);
  const secret = file.entries.find(({ section, key, value }) => {
    const setting = schema.find((row) => row.section === section && row.key === key);
    return setting?.secret === true || setting?.secretIn?.test(value) === true;
  });
  if (secret !== undefined && (mode & 0o044) !== 0) {
    const place = `${path}:${secret.line}`;
    throw tooOpen(place, `${secret.section}.${secret.key} can be read by others than the file's owner`, mode);
  }
  return file;
}

/**
 * A sentence for the log about a file that others can read, and that has no passwords in it now; null when only its
 * owner can.
 */
export async function warnOfOpenFile(path: string): Promise<string | null> {
  const { mode } = await stat(path);
  if ((mode & 0o044) === 0) return null;
  return `${path} can be read by others than its owner (its mode is ${octal(mode)}), and is refused as soon as a password stands in it. Close it: chmod 600 '${path}'`;
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

function tooOpen(place: string, why: string, mode: number): UserError {
  const path = place.replace(/:\d+$/, '');
  return new UserError(`${place}: ${why}; its mode is ${octal(mode)}.`, {
    code: 'open-configuration',
    exit: EXIT.badConfiguration,
    hint: `Close it: chmod 600 '${path}'`,
  });
}

const ROLES = ['monitor', 'keeper'] as const;
export type Role = (typeof ROLES)[number];
const ROLE_ROW = { section: 'pg_autoctl', key: 'role', type: 'text' } as const;

/**
 * Which of the two schemas a file is written in: its `pg_autoctl.role`, a keeper's where it says nothing. What
 * else is wrong with the file is not looked at.
 * @throws UserError `bad-configuration`, exit 2, for another role
 */
export async function readRole(path: string): Promise<Role> {
  let section = '';
  for (const [index, text] of (await readText(path)).split('\n').entries()) {
    section = /^\s*\[([^\]]+)\]\s*$/.exec(text)?.[1]?.trim() ?? section;
    if (section !== 'pg_autoctl' || !/^\s*role\s*=/.test(text)) continue;
    const value = parseConfig(path, `[pg_autoctl]\n${text}`, [ROLE_ROW]).entries[0]?.value;
    if (value === undefined) continue;
    const role = ROLES.find((one) => one === value);
    if (role !== undefined) return role;
    const problem = `"${value}" is not allowed for pg_autoctl.role, which must be ${ROLES.join(' or ')}`;
    throw badLine(path, index + 1, problem, 'Correct the line.');
  }
  return 'keeper';
}

/**
 * Replaces the file in one step: a reader sees the old one or the new one, and after a crash one of them is there.
 * Mode 0600, because it may hold passwords; missing folders are made.
 */
export async function writeConfigFile(
  path: string,
  schema: Schema,
  config: object,
  earlier?: ConfigFile,
): Promise<void> {
  const folder = dirname(path);
  const draft = `${path}.${process.pid}.new`;
  await mkdir(folder, { recursive: true, mode: 0o755 });
  try {
    await rm(draft, { force: true });
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(printConfig(schema, config, earlier));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  const parent = await open(folder, 'r');
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}
