import type { Milliseconds } from '@pgaf/core/durations';
import type { Situation } from './situation.js';

const ASK_AGAIN: Milliseconds = 2000;

/**
 * Tells the monitor the name and the host that the configuration gives this node, where they were changed: at the
 * start, and when it was read again. In between, what an operator gave the node at the monitor stands.
 */
export class PlacePublisher {
  readonly #situation: Situation;
  #telling: Promise<void> | null = null;
  #toldAt: Milliseconds = -Infinity;
  #refusal: string | null = null;
  #due: { readonly name: boolean; readonly host: boolean };

  constructor(situation: Situation) {
    this.#situation = situation;
    this.#due = { name: situation.config.name !== situation.state.name, host: true };
  }

  configurationChanged(): void {
    this.#due = { name: true, host: true };
  }

  tellWhenDue(): void {
    const { assignment, state, config } = this.#situation;
    const known = assignment?.nodes.find(({ id }) => id === state.nodeId);
    if (!known || this.#telling || state.goal === 'dropped') return;
    const name = this.#due.name ? (config.name ?? known.name) : known.name;
    const host = this.#due.host ? config.host : known.host;
    if (known.name === name && known.host === host && state.name === name) {
      this.#due = { name: false, host: false };
      return;
    }
    const now = performance.now();
    if (now - this.#toldAt < ASK_AGAIN) return;
    this.#toldAt = now;
    this.#telling = this.#tell(name, host, known.port).finally(() => (this.#telling = null));
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await this.#telling;
  }

  async #tell(name: string, host: string, port: number): Promise<void> {
    const { monitor, state, log } = this.#situation;
    try {
      await monitor.updateNode(state.nodeId, { name, host, port });
      this.#situation.remember({ name });
      this.#refusal = null;
      log.info(`The monitor knows this node as "${name}" at ${host} now`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (this.#refusal !== reason) {
        log.error(`The monitor does not take the name "${name}" and the host ${host} of this node`, {
          error,
        });
      }
      this.#refusal = reason;
    }
  }
}
