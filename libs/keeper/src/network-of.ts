import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** The network of this host that an address or name of it belongs to, in CIDR form; null when none does. */
export async function networkOf(host: string): Promise<string | null> {
  const { address } = await lookup(host).catch(() => ({ address: host }));
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const found = own.find((one) => one.address === address);
  if (!found?.cidr) return null;
  const bits = Number(found.cidr.split('/')[1]);
  if (isIPv4(found.address)) return `${maskIPv4(found.address, bits)}/${bits}`;
  // Postgres masks the address itself.
  return `${found.address}/${bits}`;
}

function maskIPv4(address: string, bits: number): string {
  const value = address.split('.').reduce((all, part) => all * 256 + Number(part), 0);
  const size = 2 ** (32 - bits);
  const base = Math.floor(value / size) * size;
  return [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.');
}
