import { endianness } from 'node:os';
import { describe, expect, it } from 'vitest';
import { connectionsIn, usualAddress } from './socket-table.js';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const line = (remote: string, state: string, inode: number) =>
  `   1: 0100007F:8C1C ${remote} ${state} 00000000:00000000 00:00000000 00000000   101        0 ${inode} 1 0000 20\n`;

describe.skipIf(endianness() !== 'LE')('the table of TCP sockets', () => {
  it('has the connections that are open, and where they lead', () => {
    const table =
      HEAD +
      line('00000000:0000', '0A', 1) +
      line('0A01A8C0:1538', '01', 22) +
      line('0A01A8C0:1538', '08', 3);
    expect(connectionsIn(table)).toEqual([{ address: '192.168.1.10', port: 5432, inode: 22 }]);
  });

  it('has addresses of IPv6, and those of IPv4 that are written as such', () => {
    const table =
      HEAD +
      line('B80D0120000000000000000001000000:1539', '01', 4) +
      line('0000000000000000FFFF00000100007F:1538', '01', 5);
    expect(connectionsIn(table)).toEqual([
      { address: '2001:db8::1', port: 5433, inode: 4 },
      { address: '127.0.0.1', port: 5432, inode: 5 },
    ]);
  });

  it('is compared by the usual way to write an address', () => {
    expect(usualAddress('2001:DB8:0:0::1')).toBe('2001:db8::1');
    expect(usualAddress('fe80::1%eth0')).toBe('fe80::1');
    expect(usualAddress('10.0.0.1')).toBe('10.0.0.1');
  });
});
