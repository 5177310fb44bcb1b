import type { Milliseconds } from '@pgaf/core/durations';
import { isLiving } from '@pgaf/postgres/processes';
import type { Situation } from './situation.js';

const LOOK_EVERY: Milliseconds = 5;

/**
 * Hears at once when the leader that hands over to this standby has ended its stream: what this node has then, the monitor
 * compares with where the leader stopped, and clients wait for it.
 */
export class StreamEnd {
  readonly #situation: Situation;
  readonly #ended: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(situation: Situation, ended: () => void) {
    this.#situation = situation;
    this.#ended = ended;
  }

  /** Begins to watch where there is something to wait for, and ends where there is not. */
  watchWhenDue(): void {
    if (!this.#isHandedTo()) return this.close();
    if (this.#timer || !this.#situation.observation?.walReceiver) return;
    const receiver = this.#situation.instance.walReceiver();
    if (!receiver) return;
    this.#timer = setInterval(() => {
      if (isLiving(receiver)) return;
      this.close();
      this.#ended();
    }, LOOK_EVERY);
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  #isHandedTo(): boolean {
    const { state, assignment } = this.#situation;
    if (state.current !== 'secondary' || state.goal !== 'secondary') return false;
    return assignment?.switchoverTarget === state.nodeId && this.#situation.leader()?.goal === 'draining';
  }
}
