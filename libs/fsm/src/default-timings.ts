import type { Milliseconds } from '@pgaf/core/durations';
import type { Timings } from './vocabulary.js';

/** What the monitor decides by unless its settings say otherwise; two missed reports and some slack are silence. */
export const DEFAULT_TIMINGS: Omit<Timings, 'serviceStartedAt'> = {
  silentAfter: 2500,
  badHealthAfter: 5000,
  leaseMargin: 1500,
  enableSyncLag: 16n << 20n,
};

/** `network_partition_timeout` of a node: for how long after a renewal a leader takes writes. */
export const DEFAULT_LEASE: Milliseconds = 4000;
