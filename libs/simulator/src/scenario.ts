import type { PartitionPolicy } from '@pgaf/core/partition-policy';
import type { Fault } from './faults.js';
import { PLOT_NAMES, plotFaults, type Plot } from './plots.js';
import { randomFaults } from './random-faults.js';
import { Random } from './random.js';
import { PLAIN_NODE, type NodeSetup } from './world.js';

/** One run, which the same scenario on the same machine repeats exactly. */
export interface Scenario {
  /** Of what is left to chance: delays, mostly. */
  readonly seed: number;
  /** The first one founds the group. */
  readonly nodes: readonly NodeSetup[];
  /** Null: what the monitor makes of the number of nodes. */
  readonly numberSyncStandbys: number | null;
  readonly partitionPolicy?: PartitionPolicy;
  readonly faults: readonly Fault[];
}

/** How often a group has so many nodes: 1, 2, 3, … */
const SIZES = [0.5, 4, 5, 2, 1.5, 0.5, 0.5];
const PRIORITIES = [0, 10, 90, 100];

/** What is not left to the seed. */
export interface Wanted {
  /** The number of nodes. */
  readonly nodes?: number | undefined;
  /** These faults alone. */
  readonly plot?: Plot | undefined;
}

/** The others are drawn first, so that seeds go on to mean what they meant. */
const LATER_PLOTS: readonly Plot[] = [
  'somebodyPromotes',
  'leaderIsGivenUp',
  'leaderIsCutOff',
  'leaderReportsMeanwhile',
  'whoHasMostRestarts',
];
const EARLIER_PLOTS = PLOT_NAMES.filter((plot) => !LATER_PLOTS.includes(plot));

/** The share of scenarios that are a plot; in the others each fault is drawn by itself. */
const PLOTTED = 0.3;

export function randomScenario(seed: number, wanted: Wanted = {}): Scenario {
  const random = new Random(seed ^ 0x5bd1e995);
  const count = wanted.nodes ?? randomSize(random);
  const nodes = randomNodes(random, count);
  const mostSync = nodes.filter(({ quorum }) => quorum).length - 2;
  const numberSyncStandbys = mostSync >= 0 && random.chance(0.4) ? random.below(mostSync + 1) : null;
  const plot = wanted.plot ?? randomPlot(seed);
  const faults = plot ? plotFaults(plot, random, count) : randomFaults(random, count, 1 + random.below(5));
  const partitionPolicy = random.chance(0.3) ? 'durability' : 'availability';
  return { seed, nodes, numberSyncStandbys, partitionPolicy, faults };
}

function randomPlot(seed: number): Plot | null {
  const random = new Random(seed ^ 0x27d4eb2f);
  if (!random.chance(PLOTTED)) return null;
  const plot = random.pick(EARLIER_PLOTS);
  return LATER_PLOTS.find(() => random.chance(0.1)) ?? plot;
}

export function plainNodes(count: number): NodeSetup[] {
  return Array.from({ length: count }, () => PLAIN_NODE);
}

function randomSize(random: Random): number {
  let left = random.between(
    0,
    SIZES.reduce((sum, weight) => sum + weight, 0),
  );
  return (
    1 +
    Math.max(
      0,
      SIZES.findIndex((weight) => (left -= weight) < 0),
    )
  );
}

/** Half of the groups are as they come by default. */
function randomNodes(random: Random, count: number): NodeSetup[] {
  if (random.chance(0.5)) return plainNodes(count);
  return Array.from({ length: count }, (_, index) => ({
    candidatePriority:
      random.chance(0.5) || (index === 0 && count === 1)
        ? PLAIN_NODE.candidatePriority
        : random.pick(PRIORITIES),
    quorum: random.chance(0.8),
  })).map((node, index) => (index === 0 && node.candidatePriority === 0 ? PLAIN_NODE : node));
}
