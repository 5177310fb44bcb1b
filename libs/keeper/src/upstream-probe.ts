import type { Milliseconds } from '@pgaf/core/durations';
import type { Situation } from './situation.js';
import { probe } from './tcp-probe.js';
import { watchProbe } from './upstream-watch.js';
import { whatMustHold } from './what-must-hold.js';

const PROBE_TIMEOUT: Milliseconds = 500;
const PROBE_EVERY: Milliseconds = 200;

/** Asks the upstream's host, while this standby does not stream from it, whether anything listens there. */
export class UpstreamProbe {
  readonly #situation: Situation;
  readonly #changed: () => void;
  #asking = false;
  #lastAt = 0;

  /** `changed` is called when the answer is another one than before. */
  constructor(situation: Situation, changed: () => void) {
    this.#situation = situation;
    this.#changed = changed;
  }

  askWhenDue(): void {
    const { upstream, assignment, state } = this.#situation;
    if (!upstream || upstream.streaming || this.#asking || whatMustHold(state.current) !== 'standby') return;
    const node = assignment?.nodes.find((one) => one.id === upstream.node);
    const now = performance.now();
    if (!node || now - this.#lastAt < PROBE_EVERY) return;
    this.#asking = true;
    this.#lastAt = now;
    void this.#ask(node.host, node.port, upstream.node);
  }

  async #ask(host: string, port: number, node: number): Promise<void> {
    const answer = await probe(host, port, PROBE_TIMEOUT);
    this.#asking = false;
    const { upstream } = this.#situation;
    if (upstream?.node !== node) return;
    const next = watchProbe(upstream, answer === 'refused');
    this.#situation.upstream = next;
    if (next.refused !== upstream.refused || next.closed !== upstream.closed) this.#changed();
  }
}
