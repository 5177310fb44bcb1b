import type { Milliseconds } from '@pgaf/core/durations';
import type { KeeperFacts } from '@pgaf/plugin-api';

/**
 * `wal_receiver_timeout` of our settings. A walreceiver that goes away sooner after a message than this did
 * not time out: its peer, or the peer's host, ended the connection.
 */
export const RECEIVER_TIMEOUT: Milliseconds = 5000;

/** What a standby remembers of the node it streams from; a value, replaced at each event. Monotonic instants. */
export interface UpstreamWatch {
  readonly node: number;
  readonly streaming: boolean;
  readonly lastMessageAt: Milliseconds | null;
  readonly closed: boolean;
  readonly refused: boolean;
}

/** What an observation says of the walreceiver; null when there is none. */
export interface ReceiverSample {
  readonly streaming: boolean;
  /** The age of the last message from the upstream; null when none came yet. */
  readonly messageAge: Milliseconds | null;
}

/**
 * Takes in an observation of a standby. `cutByUs`: this keeper itself ended the stream since the last one, so
 * its end says nothing of the upstream.
 */
export function watchReceiver(
  watch: UpstreamWatch | null,
  sample: { readonly node: number; readonly receiver: ReceiverSample | null; readonly cutByUs: boolean },
  now: Milliseconds,
): UpstreamWatch {
  const same = watch?.node === sample.node ? watch : null;
  if (sample.receiver?.streaming) {
    const age = sample.receiver.messageAge;
    const lastMessageAt = age === null ? (same?.lastMessageAt ?? null) : now - age;
    return { node: sample.node, streaming: true, lastMessageAt, closed: false, refused: false };
  }
  const base = same ?? {
    node: sample.node,
    streaming: false,
    lastMessageAt: null,
    closed: false,
    refused: false,
  };
  if (!base.streaming) return base;
  const quick = base.lastMessageAt !== null && now - base.lastMessageAt < RECEIVER_TIMEOUT;
  return { ...base, streaming: false, closed: quick && !sample.cutByUs };
}

/**
 * Takes in a probe of the upstream's port; an answer of a stream that came back since is worth more. One that is
 * not refused may be of an upstream that was started again, of which the end of the old stream says nothing.
 */
export function watchProbe(watch: UpstreamWatch, refused: boolean): UpstreamWatch {
  return watch.streaming ? watch : { ...watch, refused, closed: watch.closed && refused };
}

export function sightingOf(watch: UpstreamWatch): NonNullable<KeeperFacts['upstream']> {
  return { node: watch.node, streaming: watch.streaming, closed: watch.closed, refused: watch.refused };
}
