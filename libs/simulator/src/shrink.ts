import type { Fault } from './faults.js';
import type { Machine } from './machine.js';
import { runScenario, type RunResult } from './run-scenario.js';
import { plainNodes, type Scenario } from './scenario.js';

/** A run that failed. */
export interface Failure {
  readonly scenario: Scenario;
  readonly result: RunResult;
}

/** A step less changes what chance brings to all the others, so each smaller scenario is tried with some seeds. */
const SEEDS = 4;
const MOST_RUNS = 400;

/** The smallest scenario found that still goes wrong in the same way. */
export function shrink(failing: Failure, machine: Machine): Failure {
  const search = new Search(failing, machine);
  while (search.tryFewerFaults() || search.tryPlainerGroup() || search.tryShorterFaults());
  return search.best;
}

class Search {
  #runs = 0;

  constructor(
    public best: Failure,
    private readonly machine: Machine,
  ) {}

  /** Delta debugging: leaves out halves, then quarters, down to single faults. */
  tryFewerFaults(): boolean {
    let succeeded = false;
    for (
      let size = Math.ceil(this.#faults.length / 2);
      size >= 1;
      size = size === 1 ? 0 : Math.ceil(size / 2)
    ) {
      for (let from = 0; from < this.#faults.length;) {
        if (this.#try({ faults: this.#faults.toSpliced(from, size) })) succeeded = true;
        else from += size;
      }
    }
    return succeeded;
  }

  tryPlainerGroup(): boolean {
    const { nodes, numberSyncStandbys, partitionPolicy } = this.best.scenario;
    const used = Math.max(0, ...this.#faults.flatMap(placesOf));
    if (nodes.length > used && nodes.length > 1 && this.#try({ nodes: nodes.slice(0, -1) })) return true;
    const plain = plainNodes(nodes.length);
    if (JSON.stringify(plain) !== JSON.stringify(nodes) && this.#try({ nodes: plain })) return true;
    if (partitionPolicy === 'durability' && this.#try({ partitionPolicy: 'availability' })) return true;
    return numberSyncStandbys !== null && this.#try({ numberSyncStandbys: null });
  }

  /** Whole seconds and tenths read better than what was drawn, and say which instants do not matter. */
  tryShorterFaults(): boolean {
    const rounded = this.#faults.map((fault) => ({ ...fault, at: Math.round(fault.at / 100) * 100 }));
    return JSON.stringify(rounded) !== JSON.stringify(this.#faults) && this.#try({ faults: rounded });
  }

  get #faults(): readonly Fault[] {
    return this.best.scenario.faults;
  }

  #try(change: Partial<Scenario>): boolean {
    const { scenario, result } = this.best;
    for (let offset = 0; offset < SEEDS && this.#runs < MOST_RUNS; offset++) {
      this.#runs++;
      const smaller = { ...scenario, ...change, seed: scenario.seed + offset };
      const outcome = runScenario(smaller, this.machine);
      if (kindOf(outcome) !== kindOf(result)) continue;
      this.best = { scenario: smaller, result: outcome };
      return true;
    }
    return false;
  }
}

/** What went wrong, whatever the numbers. */
function kindOf({ violation }: RunResult): string | null {
  return violation && violation.what.replaceAll(/[\d.]+/g, '#');
}

function placesOf(fault: Fault): number[] {
  switch (fault.do) {
    case 'cut':
      return [fault.from, fault.to];
    case 'split':
    case 'reject':
      return [fault.a, fault.b];
    case 'partition':
      return [...fault.hosts];
    default:
      return 'node' in fault ? [fault.node] : [];
  }
}
