import { lookup } from 'node:dns/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import { usualAddress } from './socket-table.js';

/** A name server may be lost with the host. */
const NAME_FOUND_WITHIN: Milliseconds = 1000;

/** All of a host, as they are written usually; none where its name is not found. */
export async function addressesOf(host: string): Promise<string[]> {
  const late = pause(NAME_FOUND_WITHIN, [], { ref: false });
  const found = await Promise.race([lookup(host, { all: true }).catch(() => []), late]);
  return found.map(({ address }) => usualAddress(address));
}
