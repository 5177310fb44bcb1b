import { lookup, lookupService } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Milliseconds } from '@pgaf/core/durations';
import type { Situation } from './situation.js';

/** A host that moves is let in again after this at most. */
const LOOK_EVERY: Milliseconds = 5000;

/** What the system knows of names, as Postgres asks it. */
export interface NameService {
  /** All addresses of a name. Rejects when there is no such name, or nobody to ask. */
  addressesOf(name: string): Promise<readonly string[]>;
  /** The name that an address leads to; null for none. */
  nameOf(address: string): Promise<string | null>;
}

const SYSTEM: NameService = {
  addressesOf: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
  nameOf: async (address) => (await lookupService(address, 0).catch(() => null))?.hostname ?? null,
};

/**
 * The addresses of a host that its name in pg_hba.conf does not let in: Postgres looks up the name of whoever comes, and
 * compares. In a network of containers that is the container's full name, and not the one that others call it by.
 */
export async function addressesBesideName(host: string, names: NameService): Promise<readonly string[]> {
  const beside: string[] = [];
  for (const address of await names.addressesOf(host)) {
    const name = await names.nameOf(address);
    if (name?.toLowerCase() !== host.toLowerCase()) beside.push(address);
  }
  return beside.sort();
}

/** Keeps the addresses that our lines in pg_hba.conf name beside host names; nothing waits for it. */
export class HostAddresses {
  readonly #situation: Situation;
  readonly #news: () => void;
  readonly #names: NameService;
  #looking: Promise<void> | null = null;
  #lookedAt: Milliseconds = -Infinity;
  #lookedFor = '';
  #ended = false;

  constructor(situation: Situation, news: () => void, names: NameService = SYSTEM) {
    this.#situation = situation;
    this.#news = news;
    this.#names = names;
  }

  lookWhenDue(): void {
    const hosts = this.#hosts();
    const isDue = hosts.join() !== this.#lookedFor || performance.now() - this.#lookedAt > LOOK_EVERY;
    if (hosts.length === 0 || !isDue || this.#looking) return;
    this.#lookedFor = hosts.join();
    this.#looking = this.#look(hosts).finally(() => {
      this.#looking = null;
      this.#lookedAt = performance.now();
    });
  }

  /** What is under way is not waited for: a name service that hangs holds up nobody who goes. */
  close(): void {
    this.#ended = true;
  }

  #hosts(): readonly string[] {
    const { config, formationHosts } = this.#situation;
    if (config.hbaLevel === 'skip') return [];
    const peers = this.#situation.peers().map(({ host }) => host);
    const all = new Set([config.host, ...config.monitorHosts, ...peers, ...(formationHosts ?? [])]);
    return [...all].filter((host) => isIP(host) === 0 && host !== 'localhost').sort();
  }

  /** One after the other: each holds a thread of the process until the name service answers. */
  async #look(hosts: readonly string[]): Promise<void> {
    const { hostAddresses, log } = this.#situation;
    const found = new Map<string, readonly string[]>();
    for (const host of hosts) {
      if (this.#ended) return;
      const known = hostAddresses.get(host) ?? [];
      // Nobody to ask, or a host that is down for now.
      const beside = await addressesBesideName(host, this.#names).catch(() => known);
      if (beside.length > 0) found.set(host, beside);
      if (beside.join() !== known.join() && beside.length > 0)
        log.info(`${host} is let in by its address as well: no name service leads from there to that name`, {
          host,
          addresses: beside,
        });
    }
    const before = this.#situation.hbaKey();
    this.#situation.hostAddresses = found;
    if (before !== this.#situation.hbaKey()) this.#news();
  }
}
