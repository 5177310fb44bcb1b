import type { Milliseconds } from '@pgaf/core/durations';
import type { Lsn } from '@pgaf/core/lsn';
import type { SyncSetting } from './vocabulary.js';

/**
 * For how long this node may take writes as the leader; a value, replaced at each event. Instants are those of the
 * steady clock.
 *
 * Invariant: what the monitor was last told of the length is never less than the length here. So it waits long enough
 * whichever report was the last that reached it.
 */
export interface Lease {
  /** Null while nothing holds the leader to a lease. */
  readonly length: Milliseconds | null;
  /** When the last report that was granted was sent, or the last WAL message written that enough standbys have. */
  readonly renewedAt: Milliseconds;
}

/** A report is about to be sent that says so: what is stricter holds at once. */
export function leaseReported(lease: Lease, length: Milliseconds | null): Lease {
  if (length === null) return lease;
  return { ...lease, length: lease.length === null ? length : Math.min(lease.length, length) };
}

/** The monitor has answered a report that said so. */
export function leaseAnswered(lease: Lease, length: Milliseconds | null): Lease {
  return { ...lease, length };
}

export function leaseRenewed(lease: Lease, at: Milliseconds): Lease {
  return at > lease.renewedAt ? { ...lease, renewedAt: at } : lease;
}

/** Null when it never ends. */
export function leaseEnd({ length, renewedAt }: Lease): Milliseconds | null {
  return length === null ? null : renewedAt + length;
}

/** Whether its setting makes a leader end with its lease: one whose commits wait for nobody is not replaced when it is silent. */
export function endsWithLease(setting: Pick<SyncSetting, 'required'> | null): boolean {
  return setting !== null && setting.required > 0;
}

/** A WAL message that a leader wrote while the monitor was out of reach. */
export interface WalMessage {
  readonly writtenAt: Milliseconds;
  readonly lsn: Lsn;
}

/**
 * When the newest message was written that as many members have flushed as a commit needs; null when there is none. None
 * of them had promised by then, and each set of promises that suffices for a promotion holds one of them.
 */
export function newestWitnessed(
  messages: readonly WalMessage[],
  flushed: ReadonlyMap<number, Lsn>,
  { required, members }: Pick<SyncSetting, 'required' | 'members'>,
): Milliseconds | null {
  if (required < 1) return null;
  const positions = members
    .flatMap((id) => flushed.get(id) ?? [])
    .sort((a, b) => (a < b ? 1 : a > b ? -1 : 0));
  const reached = positions[required - 1];
  if (reached === undefined) return null;
  const known = messages.filter(({ lsn }) => lsn <= reached).map(({ writtenAt }) => writtenAt);
  return known.length === 0 ? null : Math.max(...known);
}
