import { expect } from 'vitest';
import { obstacleToPromotion } from '@pgaf/fsm/quorum';
import type { Guard } from '@pgaf/plugin-api/rules';
import type { GroupSnapshot, NodeSnapshot, SyncSetting } from '@pgaf/plugin-api/snapshot';
import type { StepName } from '@pgaf/plugin-api/steps';
import { explore } from './explore.js';
import { realMachine, type Machine } from './machine.js';
import { runStepOnModel, type StepContext } from './model-steps.js';
import type { Plot } from './plots.js';
import { runScenario } from './run-scenario.js';

/** What one exploration may take; counted in runs, which no load makes fewer. */
const BUDGET = { seed: 1, runs: 4000, seconds: 280 };

/**
 * Has the simulator find in a machine that has something else in the place of one of its parts what that leads to: in
 * the scenarios of a plot, or in all of them.
 */
export function expectFound(wanted: RegExp, broken: Partial<Machine>, plot?: Plot, nodes?: number): void {
  const machine = { ...realMachine(), ...broken };
  const { found, runs } = explore(machine, { ...BUDGET, wanted, plot, nodes });
  if (!found) return expect.fail(`nothing like ${wanted} was found in ${runs} runs`);
  expect(runScenario(found.scenario, machine)).toEqual(found.result);
}

export function withGuards(guards: Record<string, Guard>): Partial<Machine> {
  const { book } = realMachine();
  return { book: { ...book, guards: { ...book.guards, ...guards } } };
}

export const always: Guard = () => true;

/** The promotion rule as it would be for another group than the one that is. */
export function promotionOf(change: GroupChange): Guard {
  return ({ group, subject }) => obstacleToPromotion(change(group, subject), subject) === null;
}

type GroupChange = (group: GroupSnapshot, candidate: NodeSnapshot) => GroupSnapshot;

/** The promotion rule is asked twice, when an election begins and at the order; each would stop the other's fault. */
export function withPromotionRule(change: GroupChange): Partial<Machine> {
  const rule = promotionOf(change);
  return withGuards({
    mayBePromoted: rule,
    isChosen: rule,
    lacksNothing: always,
    electionCanSucceed: always,
  });
}

export function withSettings(
  change: (settings: readonly SyncSetting[], group: GroupSnapshot) => readonly SyncSetting[],
): GroupChange {
  return (group) => ({ ...group, settingsInForce: change(group.settingsInForce, group) });
}

/** Something is done with what a step finds before it runs. */
export function withSteps(before: (step: StepName, context: StepContext) => void): Partial<Machine> {
  return {
    runStep: (step, context) => {
      before(step.do, context);
      return runStepOnModel(step, context);
    },
  };
}

export function withNode(group: GroupSnapshot, node: NodeSnapshot): GroupSnapshot {
  return { ...group, nodes: group.nodes.map((each) => (each.id === node.id ? node : each)) };
}

export const LOST_COMMIT = /without a commit acknowledged|had begun without it/;
export const TWO_PRIMARIES = /while node \d+ still takes them/;
