import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';

/** Of these processes the one that has the other end of a connection over IPv4 of this host; undefined when none has it. */
export function whoServes(client: Socket, among: readonly number[]): number | undefined {
  const inode = otherEndOf(client);
  return among.find((pid) => inode !== undefined && holds(pid, `socket:[${inode}]`));
}

/** Its inode, by the rows of /proc/net/tcp: number, own address, other address, …, inode. */
function otherEndOf({ localPort, remotePort }: Socket): string | undefined {
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
    .find(([, own, other]) => portOf(own) === remotePort && portOf(other) === localPort)?.[9];
}

function portOf(address: string | undefined): number {
  return Number.parseInt(address?.split(':')[1] ?? '', 16);
}

function holds(pid: number, file: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === file);
  } catch {
    return false;
  }
}
