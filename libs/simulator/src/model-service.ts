import { decideCommand, type OperatorCommand } from '@pgaf/fsm/operator';
import type { Settled } from '@pgaf/fsm/settle';
import { mustBeUnheard } from '@pgaf/fsm/unheard';
import type { Machine } from './machine.js';
import { ModelHealthChecker } from './model-health-checker.js';
import { isChange } from './monitor-news.js';
import { Processes } from './processes.js';
import type { World } from './world.js';

/** How often it decides anew though nothing was heard: silence is no news. */
const TICK = 500;

/** One term of the service that decides. Whatever it knows is in the tables; what it has in hand ends with it. */
export class ModelService {
  readonly #processes: Processes;
  readonly #checker: ModelHealthChecker;
  #deciding = false;

  constructor(
    private readonly world: World,
    private readonly machine: Machine,
    readonly term: number,
  ) {
    this.#processes = new Processes(world.queue);
    this.#checker = new ModelHealthChecker(world, this.#processes, (id, check) => {
      if (world.monitor.recordHealth(id, check)) this.decideSoon();
    });
    this.#tick();
    this.#checker.begin();
  }

  get isIdle(): boolean {
    return !this.#deciding;
  }

  end(): void {
    this.#processes.end();
  }

  checkHealth(id: number): void {
    this.#checker.check(id);
  }

  decideSoon(): void {
    if (this.#deciding) return;
    this.#deciding = true;
    this.#processes.later(this.world.random.between(0.2, 2), () => this.#decide());
  }

  /** Decides on a command between two decisions of its own. */
  command(command: OperatorCommand): void {
    if (this.#deciding) return this.#processes.later(1, () => this.command(command));
    const decision = decideCommand(this.world.monitor.snapshot(), command, this.machine.book);
    if (decision.tag === 'accepted') this.#commit(decision.settled);
    this.world.changed();
  }

  #tick(): void {
    this.#processes.later(TICK, () => {
      this.decideSoon();
      this.#tick();
    });
  }

  /** One snapshot, one decision, one transaction; what is reported in between stays. */
  #decide(): void {
    const { monitor, random } = this.world;
    const snapshot = monitor.snapshot();
    const settled = this.machine.settle(snapshot, this.machine.book);
    if (!isChange(snapshot, settled)) {
      this.#deciding = false;
      return;
    }
    this.world.checks.gaveUp(snapshot, settled.transitions);
    this.#processes.later(random.between(0.2, Math.max(3, monitor.slowCommit)), () => {
      this.#deciding = false;
      if (!settled.epochRaised || monitor.isUnchanged(mustBeUnheard(snapshot, settled.group), snapshot)) {
        this.#commit(settled);
      }
      this.decideSoon();
    });
  }

  #commit(settled: Settled): void {
    if (this.world.monitor.commit(this.term, settled) === 'termIsOver') this.end();
  }
}
