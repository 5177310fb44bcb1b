import { mendAll, schedule } from './inject.js';
import type { Machine } from './machine.js';
import type { Scenario } from './scenario.js';
import { World, type NodeSetup, type Violation } from './world.js';

export interface RunResult {
  readonly steps: number;
  readonly commits: number;
  readonly epochs: number;
  readonly violation: Violation | null;
  /** What happened last and how the nodes stood at the end. */
  readonly story: readonly string[];
}

/** Forming takes less than this, and so does everything that is left to do when no more faults come. */
const FORMED_WITHIN = 30_000;
const CONVERGED_WITHIN = 60_000;
const AFTERMATH = 12_000;

/** Forms the group, lets the faults happen, mends everything, and waits until the group is whole. */
export function runScenario(scenario: Scenario, machine: Machine): RunResult {
  const world = new World(scenario.seed, machine);
  world.monitor.setPartitionPolicy(scenario.partitionPolicy ?? 'availability');
  form(world, scenario.nodes, scenario.numberSyncStandbys);
  if (!world.violation) {
    for (const fault of scenario.faults) schedule(world, fault);
    const last = Math.max(0, ...scenario.faults.map((fault) => fault.at));
    world.run(last + world.random.between(0, AFTERMATH));
    mendAll(world);
    awaitWhole(world);
  }
  return {
    steps: world.steps,
    commits: world.checks.acknowledgedCommits,
    epochs: world.monitor.group.epoch,
    violation: world.violation,
    story: world.violation ? world.story() : [],
  };
}

function awaitWhole(world: World): void {
  if (world.run(CONVERGED_WITHIN, () => world.isStable())) return world.checks.whole(world.monitor.group);
  world.fail(`the group did not become whole within ${CONVERGED_WITHIN / 1000} s after the last fault`);
}

/** A group of these nodes, whole. */
export function form(
  world: World,
  nodes: readonly NodeSetup[],
  numberSyncStandbys: number | null = null,
): void {
  for (const [index, node] of nodes.entries()) {
    betweenDecisions(world);
    world.addNode(node);
    if (!awaitFormed(world, `node ${index + 1} did not join`)) return;
  }
  if (numberSyncStandbys === null) return;
  betweenDecisions(world);
  world.monitor.setNumberSyncStandbys(numberSyncStandbys);
  awaitFormed(world, `number_sync_standbys ${numberSyncStandbys} was not put into force`);
}

function betweenDecisions(world: World): void {
  world.run(FORMED_WITHIN, () => world.monitor.isIdle);
}

function awaitFormed(world: World, what: string): boolean {
  if (world.run(FORMED_WITHIN, () => world.isStable())) return true;
  world.fail(`${what} within ${FORMED_WITHIN / 1000} s`);
  return false;
}
