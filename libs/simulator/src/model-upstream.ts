import type { Milliseconds } from '@pgaf/core/durations';
import type { World } from './world.js';

/** Why a stream ended; `cutByUs`: by a promise or by a crash of this node. */
export type StreamEnd = 'closed' | 'timeout' | 'cutByUs';

interface Seen {
  readonly node: number;
  readonly streaming: boolean;
  closed: boolean;
  refused: boolean;
}

const ASK_EVERY: Milliseconds = 200;
/** After so long without a message either end may have given the stream up. */
const RECEIVER_TIMEOUT: Milliseconds = 5000;

/** What a standby's keeper sees of the node that it streams from, or did last. */
export class ModelUpstream {
  #seen: Seen | null = null;
  /** When the last message had come, as of the last look at the stream. */
  #heardAt: Milliseconds = -Infinity;

  constructor(
    private readonly world: World,
    private readonly id: number,
    private readonly keeper: {
      /** Calls the action after the delay, if the keeper still lives. */
      readonly later: (delay: Milliseconds, action: () => void) => void;
      /** Something to report has changed. */
      readonly changed: () => void;
    },
  ) {}

  get seen(): Readonly<Seen> | null {
    return this.#seen;
  }

  forget(): void {
    this.#seen = null;
  }

  streamsFrom(node: number, heardAt: Milliseconds): void {
    this.#heardAt = heardAt;
    this.#seen = { node, streaming: true, closed: false, refused: false };
  }

  ended(node: number, how: StreamEnd): void {
    const wasSeen = this.#seen?.node === node && this.#seen.streaming;
    const isQuick = wasSeen && this.world.queue.now - this.#heardAt < RECEIVER_TIMEOUT;
    this.#seen = { node, streaming: false, closed: how === 'closed' && isQuick, refused: false };
    this.#probe();
  }

  /**
   * Asks the upstream's host whether its Postgres listens. The end of the old stream counts only while every
   * answer since was a refusal: one that listens was started again, and no answer at all says that the network
   * is to blame.
   */
  #probe(): void {
    const seen = this.#seen;
    if (!seen || seen.streaming) return;
    const target = this.world.postgresOf(seen.node);
    let answered = false;
    const learn = (news: Pick<Seen, 'refused' | 'closed'>): void => {
      if (seen.refused === news.refused && seen.closed === news.closed) return;
      Object.assign(seen, news);
      this.keeper.changed();
    };
    if (this.world.network.isRejected(this.id, seen.node)) {
      answered = true;
      learn({ refused: true, closed: seen.closed });
    }
    this.world.network.packet(this.id, seen.node, () => {
      const refused = target !== null && !target.listens;
      this.world.network.packet(seen.node, this.id, () => {
        if (this.#seen !== seen) return;
        answered = true;
        learn({ refused, closed: refused && seen.closed });
      });
    });
    this.keeper.later(ASK_EVERY, () => {
      if (this.#seen !== seen) return;
      if (!answered) learn({ refused: false, closed: false });
      this.#probe();
    });
  }
}
