import { clientsAreRejected } from '@pgaf/postgres/closed-hba';
import type { Situation } from './situation.js';
import { steadyNow } from './steady-clock.js';
import { putHbaInForce } from './steps/hba.js';

/** Lets clients into a Postgres that was started without them, once it is confirmed that this node is the primary. */
export class Gate {
  readonly #situation: Situation;
  readonly #changed: () => void;
  #opening = false;

  constructor(situation: Situation, changed: () => void) {
    this.#situation = situation;
    this.#changed = changed;
  }

  /** This node's last keeper may have left it closed. */
  begin(): void {
    if (isClosed(this.#situation.config.pgdata)) this.#situation.closedAt = steadyNow();
  }

  openWhenDue(): void {
    const { closedAt, observation, witnessedAt } = this.#situation;
    if (closedAt === null || this.#opening || !observation || observation.inRecovery) return;
    const word = this.#situation.mayOpen() ? 'the monitor' : witnessedAt > closedAt ? 'its standbys' : null;
    if (word === null || !this.#situation.takesWrites()) return;
    this.#opening = true;
    void this.#open(word).finally(() => (this.#opening = false));
  }

  async #open(word: string): Promise<void> {
    const situation = this.#situation;
    const { closedAt, log } = situation;
    const forced = situation.opensByForce();
    situation.closedAt = null;
    try {
      await putHbaInForce(situation);
      situation.obstacle = null;
      log.info(
        `Clients are let in: ${forced ? 'an operator' : word} has confirmed that this node is the primary`,
      );
      if (forced) situation.remember({ forcedAt: new Date().toISOString() });
    } catch (error) {
      situation.closedAt ??= closedAt;
      log.warn('Clients cannot be let in yet', { error });
    }
    this.#changed();
  }
}

/** Without a file that can be read nobody was kept out. */
function isClosed(pgdata: string): boolean {
  try {
    return clientsAreRejected(pgdata);
  } catch {
    return false;
  }
}
