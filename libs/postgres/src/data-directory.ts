import { chmod, lstat, mkdir, readFile, readdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, UserError } from '@pgaf/core/errors';
import { syncDirectory } from './atomic-file.js';

/** Inside the data directory, and other places of Postgres, while new data are made there. */
export const STAGING = '.pgaf-unfinished';
/** Inside STAGING of the data directory: the old data were given up before the new ones are there. */
export const DISCARDED = 'discarded';
/** The new data are complete, and are to take the place of the old ones. */
export const COMPLETE = 'complete';
/** What is in the data directory now is new, as far as it was moved. */
export const EMPTIED = 'emptied';

/** `unfinished`: initdb or a base backup of ours did not come to its end, and there are no old data. `foreign`: files, but no data directory. */
export type DataDirectoryKind = 'missing' | 'empty' | 'unfinished' | 'initialized' | 'foreign';

/** Belongs to the file system, when the data directory is a mount point. */
export const OF_THE_MOUNT = 'lost+found';

export async function inspectDataDirectory(pgdata: string): Promise<DataDirectoryKind> {
  let entries: string[];
  try {
    entries = (await readdir(pgdata)).filter((name) => name !== OF_THE_MOUNT);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'missing';
    if (code === 'ENOTDIR') return 'foreign';
    throw unusable(pgdata, error);
  }
  if (entries.length === 0) return 'empty';
  const isWhole = entries.includes('PG_VERSION') && entries.includes('global');
  if (!entries.includes(STAGING)) return isWhole ? 'initialized' : 'foreign';
  const markers = await readdir(join(pgdata, STAGING));
  // Data that are not given up yet are as good as before.
  return isWhole && !markers.includes(DISCARDED) && !markers.includes(COMPLETE)
    ? 'initialized'
    : 'unfinished';
}

export function unusable(pgdata: string, cause: unknown): UserError {
  return new UserError(`The directory ${pgdata} cannot be used: ${String(cause)}.`, {
    code: 'pgdata-unusable',
    exit: EXIT.badConfiguration,
    hint: 'Make it a directory that this user owns, or choose another with --pgdata.',
    cause,
  });
}

export function notOurs(pgdata: string): UserError {
  return new UserError(`The directory ${pgdata} is not empty, and it is no data directory of PostgreSQL.`, {
    code: 'pgdata-not-empty',
    exit: EXIT.badState,
    hint: 'Choose another with --pgdata, or empty it yourself.',
  });
}

/**
 * New data are moved into the data directory file by file, so that it may be a mount point; a `pg_wal` inside of it
 * that is one cannot be replaced.
 * @throws UserError `wal-is-mount-point`.
 */
export async function requireReplaceableWal(pgdata: string): Promise<void> {
  const wal = join(pgdata, 'pg_wal');
  if (!(await isMountPoint(wal))) return;
  throw new UserError(`${wal} is a mount point, so that no new data can take its place.`, {
    code: 'wal-is-mount-point',
    exit: EXIT.badState,
    hint: 'Mount that file system elsewhere, and name a directory in it with --waldir; existing WAL is moved there, and pg_wal made a link to it, while Postgres is stopped.',
  });
}

/** By the kernel's list: a directory that is bound from the same file system has the same device. */
async function isMountPoint(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => null);
  if (!found?.isDirectory()) return false;
  const resolved = await realpath(path);
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return mounts.split('\n').some((line) => unescaped(line.split(' ')[4] ?? '') === resolved);
}

/** Blanks and their like are written as three octal digits there. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

/** Creates it when missing, and closes it to others as Postgres demands. */
export async function makeDataDirectory(pgdata: string): Promise<void> {
  try {
    await mkdir(pgdata, { recursive: true, mode: 0o700 });
    await chmod(pgdata, 0o700);
  } catch (error) {
    throw unusable(pgdata, error);
  }
}

/** Removes what is in a data directory, but for what belongs to a mount; the directory stays. */
export async function emptyDataDirectory(pgdata: string): Promise<void> {
  const entries = await readdir(pgdata).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const name of entries) {
    if (name === OF_THE_MOUNT) continue;
    // A mount point is emptied, and stays.
    await rm(join(pgdata, name), { recursive: true, force: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EBUSY') throw error;
    });
  }
  if (entries.length > 0) await syncDirectory(pgdata);
}
