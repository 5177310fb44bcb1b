import { lookup, Resolver, reverse } from 'node:dns/promises';
import { isIPv4, Socket } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import type { Milliseconds } from '@pgaf/core/durations';

const CONNECT_TIMEOUT: Milliseconds = 2000;
const NAME_SERVICE_TIMEOUT: Milliseconds = 2000;

/**
 * How other hosts reach this one, by the route to a host that the user named (the monitor): the local end of
 * a connection to it, by its name in reverse DNS when that name leads back here. Null when none of the hosts
 * answers. No packet goes to any other address.
 */
export async function hostnameTowards(
  targets: readonly { readonly host: string; readonly port: number }[],
): Promise<string | null> {
  for (const target of targets) {
    const address = target.host.startsWith('/') || target.host === '' ? '127.0.0.1' : await localEnd(target);
    if (address !== null) return (await ownName(address)) ?? address;
  }
  return null;
}

/** This host's own name when it resolves to one of its addresses, else its first address that is not loopback. */
export async function ownHostname(): Promise<string> {
  const name = hostname();
  if (await leadsHere(name)) return name;
  const outside = ownAddresses().find((address) => !address.internal && address.family === 'IPv4');
  return outside?.address ?? '127.0.0.1';
}

function localEnd({ host, port }: { readonly host: string; readonly port: number }): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = new Socket();
    const finish = (address: string | null): void => {
      socket.destroy();
      resolve(address);
    };
    socket.setTimeout(CONNECT_TIMEOUT, () => finish(null));
    socket.once('error', () => finish(null));
    socket.connect({ host, port }, () => finish(socket.localAddress?.replace(/^::ffff:/, '') ?? null));
  });
}

/** A name of the loopback address leads every other host to itself. */
async function ownName(address: string): Promise<string | null> {
  if (address === '::1' || address.startsWith('127.')) return null;
  for (const name of await namesOf(address)) if (await leadsHere(name)) return name;
  return null;
}

/**
 * The hosts file of a container has its address, by a name that nobody looks for; then `reverse` asks no further and
 * answers nothing, though the name service knows the name by which others find the container. The same holds for
 * any host whose hosts file has its address under one name; a name that only this file knows leads nobody else here.
 */
async function namesOf(address: string): Promise<readonly string[]> {
  try {
    const names = await reverse(address);
    if (names.length > 0 || !isIPv4(address)) return names;
    const nameService = new Resolver({ timeout: NAME_SERVICE_TIMEOUT, tries: 1 });
    return await nameService.resolvePtr(`${address.split('.').reverse().join('.')}.in-addr.arpa`);
  } catch {
    return [];
  }
}

async function leadsHere(name: string): Promise<boolean> {
  const found = await lookup(name, { all: true }).catch(() => []);
  return found.some(({ address }) => ownAddresses().some((own) => own.address === address));
}

function ownAddresses() {
  return Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
}
