import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export type Written = 'changed' | 'unchanged';

/** The bytes of a file, each as one character, so that what we do not understand survives a rewrite; '' when missing. */
export async function readBytes(path: string): Promise<string> {
  try {
    return await readFile(path, 'latin1');
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
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * Replaces a file by rename, durable when it returns; a reader sees the old or the new content, never a part.
 * `bytes` is as `readBytes` gives it. The same content is not written again.
 */
export async function writeAtomically(path: string, bytes: string, mode = 0o600): Promise<Written> {
  const now = await readFile(path, 'latin1').catch(() => undefined);
  if (now === bytes) return 'unchanged';
  const temporary = join(dirname(path), `.${basename(path)}.pgaf-new`);
  await rm(temporary, { force: true });
  const file = await open(temporary, 'wx', mode);
  try {
    await file.writeFile(bytes, 'latin1');
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncDirectory(dirname(path));
  return 'changed';
}
