import { closeSync, fsync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * The one thing here that waits for the disk, and so the one that is awaited. Whatever else is awaited of a file waits for a
 * thread of the pool and then for a processor, which on a busy host takes longer than the work; a switchover waits for
 * each of these files.
 */
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
  const temporary = join(dirname(path), `.${basename(path)}.pgaf-new`);
  rmSync(temporary, { force: true });
  const file = openSync(temporary, 'wx', mode);
  try {
    writeFileSync(file, bytes, 'latin1');
    await flush(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  await syncDirectory(dirname(path));
  return 'changed';
}

/** What cannot be read can be replaced all the same. */
function holds(path: string, bytes: string): boolean {
  try {
    return readFileSync(path, 'latin1') === bytes;
  } catch {
    return false;
  }
}
