import { lookup } from 'node:dns/promises';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import type { Place } from './replaced-places.js';
import type { HeldSocket } from './shut-sockets.js';
import { connectionsIn, usualAddress } from './socket-table.js';

/** A name server may be lost with the host. */
const NAME_FOUND_WITHIN: Milliseconds = 1000;
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];

/** The open connections of these processes that lead to one of the places. */
export async function socketsTo(
  places: readonly Place[],
  processes: () => Promise<readonly number[]>,
): Promise<HeldSocket[]> {
  const wanted = new Set((await Promise.all(places.map(addressesOf))).flat());
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

async function addressesOf({ host, port }: Place): Promise<string[]> {
  const late = pause(NAME_FOUND_WITHIN, [], { ref: false });
  const found = await Promise.race([lookup(host, { all: true }).catch(() => []), late]);
  return found.map(({ address }) => `${usualAddress(address)} ${port}`);
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
