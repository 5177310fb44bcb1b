import { readdir, readFile, readlink } from 'node:fs/promises';
import { addressesOf } from './addresses-of.js';
import type { Place } from './replaced-places.js';
import type { HeldSocket } from './shut-sockets.js';
import { connectionsIn } from './socket-table.js';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];

/** The open connections of these processes that lead to one of the places. */
export async function socketsTo(
  places: readonly Place[],
  processes: () => Promise<readonly number[]>,
): Promise<HeldSocket[]> {
  const found = places.map(async ({ host, port }) =>
    (await addressesOf(host)).map((address) => `${address} ${port}`),
  );
  const wanted = new Set((await Promise.all(found)).flat());
  const tables = await Promise.all(TABLES.map((file) => readFile(file, 'utf8').catch(() => '')));
  const inodes = new Map(
    tables
      .flatMap(connectionsIn)
      .filter(({ address, port }) => wanted.has(`${address} ${port}`))
      .map(({ inode }) => [`socket:[${inode}]`, inode]),
  );
  // Most of the time there is none.
  if (inodes.size === 0) return [];
  const held = await Promise.all((await processes()).map((pid) => socketsOf(pid, inodes)));
  return held.flat();
}

/** None of a process that has ended. */
async function socketsOf(pid: number, inodes: ReadonlyMap<string, number>): Promise<HeldSocket[]> {
  const directory = `/proc/${pid}/fd`;
  const fds = await readdir(directory).catch(() => []);
  const found = await Promise.all(
    fds.map(async (fd): Promise<HeldSocket[]> => {
      const inode = inodes.get(await readlink(`${directory}/${fd}`).catch(() => ''));
      return inode === undefined ? [] : [{ pid, fd: Number(fd), inode }];
    }),
  );
  return found.flat();
}
