import { keyText } from './inbox.js';
import type { GroupKey } from './group-store.js';

/** How many rounds in a row a glance is enough, before all of the group is read again. */
const GLANCES = 2;

interface Rest {
  left: number;
  /** The last round in which somebody looked. */
  round: number;
}

/** The groups that were at rest when all of them was read last, and whose turn to be read again has not come. */
export class RestingGroups {
  readonly #resting = new Map<string, Rest>();
  #found = 0;
  #round = 0;

  /** All of the group was read. */
  note(key: GroupKey, found: 'at rest' | 'astir'): void {
    const name = keyText(key);
    if (found === 'astir') {
      this.#resting.delete(name);
      return;
    }
    // Those that are found together, as at the start, are not read together for ever.
    const left = this.#resting.has(name) ? GLANCES : this.#found++ % (GLANCES + 1);
    this.#resting.set(name, { left, round: this.#round });
  }

  /** Whether a glance is enough in this round, if it shows nothing odd. */
  mayGlance(key: GroupKey): boolean {
    const rest = this.#resting.get(keyText(key));
    if (!rest) return false;
    rest.round = this.#round;
    return rest.left-- > 0;
  }

  /** Every group was looked at since the last time: those that were not are gone. */
  endRound(): void {
    for (const [name, { round }] of this.#resting) if (round !== this.#round) this.#resting.delete(name);
    this.#round++;
  }
}
