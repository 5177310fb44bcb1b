import { SocketAddress } from 'node:net';
import { endianness } from 'node:os';

/** Of a TCP connection that both ends hold to be open: where it leads, and the inode of its socket here. */
export interface Connection {
  readonly address: string;
  readonly port: number;
  readonly inode: number;
}

/** https://docs.kernel.org/networking/proc_net_tcp.html */
const ESTABLISHED = '01';

/** What /proc/net/tcp or /proc/net/tcp6 says. */
export function connectionsIn(table: string): Connection[] {
  return table.split('\n').flatMap((line) => {
    const [, , remote = '', state, , , , , , inode] = line.trim().split(/\s+/);
    const [address = '', port = ''] = remote.split(':');
    if (state !== ESTABLISHED) return [];
    return [{ address: addressOf(address), port: Number.parseInt(port, 16), inode: Number(inode) }];
  });
}

/** As it is written usually; an address of IPv4 is one also where the socket is of IPv6. */
function addressOf(words: string): string {
  const bytes = Buffer.from(words, 'hex');
  // Words of four bytes, each as this processor writes a number.
  if (endianness() === 'LE') bytes.swap32();
  const isMapped = bytes.length === 16 && bytes.readUIntBE(0, 6) === 0 && bytes.readUIntBE(6, 6) === 0xffff;
  if (bytes.length === 4 || isMapped) return [...bytes.subarray(-4)].join('.');
  const groups = bytes.toString('hex').match(/.{4}/g) ?? [];
  return usualAddress(groups.join(':'));
}

/** An address of IPv6 may be written in several ways, and with the interface that leads there. */
export function usualAddress(address: string): string {
  const [bare = ''] = address.split('%');
  return bare.includes(':') ? new SocketAddress({ address: bare, family: 'ipv6' }).address : bare;
}
