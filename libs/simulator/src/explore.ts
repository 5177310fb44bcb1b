import { describe } from './faults.js';
import type { Machine } from './machine.js';
import { runScenario } from './run-scenario.js';
import { randomScenario, type Wanted } from './scenario.js';
import type { Failure } from './shrink.js';

export interface Found extends Failure {
  /** Of the scenario as it was drawn. */
  readonly seed: number;
}

export interface Exploration {
  readonly runs: number;
  readonly steps: number;
  readonly commits: number;
  readonly epochs: number;
  readonly seconds: number;
  /** The first violation. */
  readonly found: Found | null;
}

/** What each scenario is to be like, and how many there may be. */
export interface Budget extends Wanted {
  readonly seed: number;
  /** Of real time. */
  readonly seconds: number;
  readonly runs?: number;
  /** What to look for; anything that is wrong unless given. */
  readonly wanted?: RegExp;
  /** Called once in a while, with what was done so far. */
  readonly onProgress?: (so: Exploration) => void;
}

const PROGRESS_EVERY = 5000;

/** Runs one random scenario after the other, until one fails or the budget is used up. */
export function explore(machine: Machine, budget: Budget): Exploration {
  const begun = performance.now();
  let reported = begun;
  const total = { runs: 0, steps: 0, commits: 0, epochs: 0 };
  const summary = (found: Found | null): Exploration => ({
    ...total,
    seconds: (performance.now() - begun) / 1000,
    found,
  });
  while (performance.now() - begun < budget.seconds * 1000 && total.runs < (budget.runs ?? Infinity)) {
    const seed = (budget.seed + total.runs) >>> 0;
    const scenario = randomScenario(seed, budget);
    const result = runScenario(scenario, machine);
    total.runs++;
    total.steps += result.steps;
    total.commits += result.commits;
    total.epochs += result.epochs;
    if (result.violation && (budget.wanted ?? /^/).test(result.violation.what)) {
      return summary({ seed, scenario, result });
    }
    if (budget.onProgress && performance.now() - reported > PROGRESS_EVERY) {
      reported = performance.now();
      budget.onProgress(summary(null));
    }
  }
  return summary(null);
}

/** As a person reads it: what went wrong, the group, the faults that are needed, what happened. */
export function tell({ scenario, result }: Failure): string {
  const { nodes, numberSyncStandbys, partitionPolicy, faults } = scenario;
  return [
    `at ${((result.violation?.at ?? 0) / 1000).toFixed(3)} s: ${result.violation?.what}`,
    'the group:',
    ...nodes.map(
      ({ candidatePriority, quorum }, index) =>
        `  node ${index + 1}: candidate priority ${candidatePriority}${quorum ? '' : ', not in the quorum'}`,
    ),
    `  number_sync_standbys: ${numberSyncStandbys ?? 'by default'}`,
    `  partition policy: ${partitionPolicy ?? 'availability'}`,
    'steps needed, in ms since it was formed:',
    ...faults.map((fault) => `  ${describe(fault)}`),
    'the end of the story:',
    ...result.story.map((line) => `  ${line}`),
  ].join('\n');
}
