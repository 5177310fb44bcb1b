import { parseArgs } from 'node:util';
import { explore, tell, type Budget, type Exploration, type Found } from './explore.js';
import { realMachine } from './machine.js';
import { parseScenario } from './replay.js';
import { runScenario } from './run-scenario.js';
import { shrink } from './shrink.js';

/** What a run of the simulator reads and writes. */
export interface Surroundings {
  readonly print: (line: string) => void;
  readonly readFile: (path: string) => string;
  /** Keeps what failed, and returns the path to replay it from. */
  readonly keep: (name: string, text: string) => string;
}

const USAGE = `npm run simulate -- [--minutes N] [--seed S] [--nodes K] [--runs R]
npm run simulate -- --replay FILE

  --minutes  how long to explore; 1 unless given
  --seed     where to begin; each run counts it up by one
  --nodes    the size of every group; drawn from 1 to 7 unless given
  --runs     stop after so many runs
  --replay   repeat the scenario of a file that a failing run has left`;

const OPTIONS = {
  minutes: { type: 'string', default: '1' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
  nodes: { type: 'string' },
  runs: { type: 'string' },
  replay: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

/** Explores until the time is over or something fails, or repeats one scenario; 0 when all was well. */
export function simulate(argv: readonly string[], surroundings: Surroundings): number {
  const { print } = surroundings;
  let budget: Budget;
  try {
    const { values } = parseArgs({ args: [...argv], options: OPTIONS });
    if (values.help) {
      print(USAGE);
      return 0;
    }
    if (values.replay !== undefined) return replay(values.replay, surroundings);
    budget = budgetOf(values);
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    print(USAGE);
    return 1;
  }
  const groups = budget.nodes === undefined ? 'groups of 1 to 7 nodes' : `groups of ${budget.nodes}`;
  print(`simulating ${groups} from seed ${budget.seed}`);
  const exploration = explore(realMachine(), { ...budget, onProgress: (so) => print(summarize(so)) });
  print(summarize(exploration));
  if (!exploration.found) return 0;
  tellFound(exploration.found, budget, surroundings);
  return 1;
}

function tellFound(found: Found, { nodes }: Budget, { print, keep }: Surroundings): void {
  print(`seed ${found.seed} fails; looking for the fewest steps that do`);
  const failure = shrink(found, realMachine());
  print(tell(failure));
  const path = keep(`simulation-${found.seed}.json`, `${JSON.stringify(failure.scenario, null, 2)}\n`);
  print(`to see it again: npm run simulate -- --replay ${path}`);
  const size = nodes === undefined ? '' : ` --nodes ${nodes}`;
  print(`as it was found: npm run simulate -- --runs 1 --seed ${found.seed}${size}`);
}

function replay(path: string, { print, readFile }: Surroundings): number {
  const scenario = parseScenario(readFile(path));
  const result = runScenario(scenario, realMachine());
  if (result.violation) {
    print(tell({ scenario, result }));
    return 1;
  }
  print(`nothing went wrong: ${result.steps} steps, ${result.commits} commits acknowledged`);
  return 0;
}

function budgetOf(values: {
  readonly minutes: string;
  readonly seed: string;
  readonly nodes?: string;
  readonly runs?: string;
}): Budget {
  return {
    seconds: 60 * numberOf('minutes', values.minutes, 0),
    seed: wholeNumberOf('seed', values.seed, 0),
    ...(values.nodes !== undefined && { nodes: wholeNumberOf('nodes', values.nodes, 1) }),
    ...(values.runs !== undefined && { runs: wholeNumberOf('runs', values.runs, 1) }),
  };
}

function wholeNumberOf(option: string, text: string, least: number): number {
  const value = numberOf(option, text, least);
  if (!Number.isInteger(value)) throw new RangeError(`--${option} is a whole number, not "${text}"`);
  return value;
}

function numberOf(option: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least)) {
    throw new RangeError(`--${option} is a number from ${least} on, not "${text}"`);
  }
  return value;
}

function summarize({ runs, steps, commits, epochs, seconds }: Exploration): string {
  const rate = Math.round(steps / Math.max(seconds, 0.001));
  return `${runs} runs, ${steps} steps (${rate} a second), ${commits} commits acknowledged, ${epochs} epochs`;
}
