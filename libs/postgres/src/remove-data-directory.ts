import { readFile, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OF_THE_MOUNT, STAGING, emptyDataDirectory } from './data-directory.js';
import { planOf } from './fill-directory.js';
import { isTablespaceEntry, isWalEntry, outsidePlaces } from './places.js';

/** Removes what `isOurs` says, and the directory when nothing else is in it. */
async function removeOurs(directory: string, isOurs: (name: string) => boolean): Promise<void> {
  for (const name of await readdir(directory).catch((): string[] => [])) {
    if (name !== OF_THE_MOUNT && (name === STAGING || isOurs(name)))
      await rm(join(directory, name), { recursive: true, force: true });
  }
}

async function isGone(directory: string): Promise<boolean> {
  return rmdir(directory).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
}

/**
 * Removes a data directory with its WAL and its tablespaces, wherever they are. The data directory goes last: its links
 * lead to the rest, so that the next call ends what was cut off. The locations of tablespaces were made by whoever made
 * the tablespaces, and stay, empty.
 * @returns the directories that could not be removed: mount points, and those that hold something else.
 */
export async function removeDataDirectory(pgdata: string): Promise<string[]> {
  const places = await outsidePlaces(pgdata);
  const plan = await planOf(pgdata);
  const version = await readFile(join(pgdata, 'PG_VERSION'), 'utf8').catch(() => '');
  const major = plan?.major ?? Number(version.trim());
  const tablespaces = [places, plan?.old, plan?.fresh].flatMap((one) => one?.tablespaces ?? []);
  const waldirs = [places, plan?.old, plan?.fresh].flatMap((one) => one?.waldir ?? []);
  for (const location of new Set(tablespaces))
    await removeOurs(location, (name) => isTablespaceEntry(name, major));
  const kept: string[] = [];
  for (const waldir of new Set(waldirs)) {
    await removeOurs(waldir, isWalEntry);
    if (!(await isGone(waldir))) kept.push(waldir);
  }
  await emptyDataDirectory(pgdata);
  if (!(await isGone(pgdata))) kept.push(pgdata);
  return kept;
}
