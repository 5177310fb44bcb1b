import { closeSync, fsync, open, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * What is awaited of a file waits for a thread of the pool and then for a processor, which on a busy host takes longer than
 * the work, and a switchover waits for each of these files. So little is: what makes a file, with which a disk that hangs
 * holds up who writes it and nobody else, and what has to reach the disk. The rest goes by what the kernel has in memory.
 */
const make = promisify(open);
const flush = promisify(fsync);

export type Written = 'changed' | 'unchanged';

/** The bytes of a file, each as one character, so that what we do not understand survives a rewrite; '' when missing. */
export function readBytes(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Text as `readBytes` would give it back. */
export function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = openSync(path, 'r');
  try {
    await flush(directory);
  } finally {
    closeSync(directory);
  }
}

/**
 * Replaces a file by rename, durable when it returns; a reader sees the old or the new content, never a part.
 * `bytes` is as `readBytes` gives it. The same content is not written again.
 */
export async function writeAtomically(path: string, bytes: string, mode = 0o600): Promise<Written> {
  if (holds(path, bytes)) return 'unchanged';
  const file = await makeNew(temporaryOf(path), mode);
  try {
    writeFileSync(file, bytes, 'latin1');
    await flush(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporaryOf(path), path);
  await syncDirectory(dirname(path));
  return 'changed';
}

/** An empty file of that name; one that is there is emptied. Not durable before its directory is. */
export async function touch(path: string): Promise<void> {
  closeSync(await make(path, 'w'));
}

function temporaryOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.pgaf-new`);
}

/** One that was left by a keeper that was killed may have another owner or mode. */
async function makeNew(path: string, mode: number): Promise<number> {
  try {
    return await make(path, 'wx', mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  rmSync(path, { force: true });
  return make(path, 'wx', mode);
}

/** What cannot be read can be replaced all the same. */
function holds(path: string, bytes: string): boolean {
  try {
    return readFileSync(path, 'latin1') === bytes;
  } catch {
    return false;
  }
}
