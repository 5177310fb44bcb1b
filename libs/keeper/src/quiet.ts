import type { Milliseconds } from '@pgaf/core/durations';
import type { Lsn } from '@pgaf/core/lsn';

/**
 * Since when nothing has come to this standby; a value, replaced at each look. In doubt it is later than the truth: the
 * monitor takes it that nothing of the primary came since. Instants are those of the steady clock.
 */
export interface Quiet {
  readonly since: Milliseconds;
  readonly lookedAt: Milliseconds;
  /** A walreceiver may have been there at the last look. */
  readonly open: boolean;
  /** When its last message came, by the clock of Postgres, which may be set: only a change of it tells something. */
  readonly messageAt: string | null;
  readonly lsn: Lsn;
}

/** What a look at Postgres shows; null when it does not answer. */
export interface QuietSample {
  readonly lsn: Lsn;
  readonly receiver: { readonly messageAt: string | null; readonly messageAge: Milliseconds | null } | null;
}

export function beginQuiet(now: Milliseconds): Quiet {
  return { since: now, lookedAt: now, open: true, messageAt: null, lsn: 0n };
}

export function watchQuiet(
  before: Quiet,
  sample: QuietSample | null,
  runs: boolean,
  now: Milliseconds,
): Quiet {
  if (!sample)
    return { ...before, since: before.open || runs ? now : before.since, lookedAt: now, open: runs };
  const { lsn, receiver } = sample;
  const next = { ...before, lookedAt: now, open: receiver !== null, lsn };
  if (receiver && receiver.messageAt !== before.messageAt) {
    // Since the last look; how long ago is the word of a clock that may have been set meanwhile.
    const age = Math.min(Math.max(0, receiver.messageAge ?? 0), now - before.lookedAt);
    return { ...next, since: Math.max(before.since, now - age), messageAt: receiver.messageAt };
  }
  // The last message of a walreceiver that has ended is in no view any more, but its WAL is.
  return lsn === before.lsn || receiver ? next : { ...next, since: now };
}
