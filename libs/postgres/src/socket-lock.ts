import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Takes away the lock of a Unix socket that a dead postmaster of this data directory left. Postgres goes by the pid in
 * it alone, and a zombie's, or one that another process has by now, counts as living. The caller knows that no
 * postmaster of this directory lives; a lock that names another directory is left alone.
 */
export async function removeStaleSocketLock(
  pgdata: string,
  { socketDirectory, port }: { readonly socketDirectory: string; readonly port: number },
): Promise<void> {
  const socket = join(socketDirectory, `.s.PGSQL.${port}`);
  const text = await readFile(`${socket}.lock`, 'utf8').catch(() => '');
  if (text.split('\n')[1] !== pgdata) return;
  await rm(socket, { force: true });
  await rm(`${socket}.lock`, { force: true });
}
