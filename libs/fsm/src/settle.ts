import { BugError } from '@pgaf/core/errors';
import { canTakeWrites, type State } from '@pgaf/core/states';
import { choiceOf, successorOf } from './election.js';
import { leaderOf, withGoal } from './group.js';
import { matchesPattern, ruleMatches, sidesOf, subjectsOf } from './match.js';
import {
  admitForeignSetting,
  assignSetting,
  desiredSetting,
  dropSupersededSettings,
  newestSetting,
  withCarriedNumber,
} from './quorum.js';
import { doubted, isBehindItsNodes, takeOverFromNodes } from './restored.js';
import type { RuleBook } from './rule-book.js';
import type { Effect, GroupSnapshot, MonitorRule, NodeSnapshot } from './vocabulary.js';

/** One goal that a decision changed, with the rule that did and its reason. */
export interface Transition {
  readonly node: number;
  readonly from: State;
  readonly goal: State;
  readonly rule: string;
  readonly because: string;
}

/** What a decision makes of a group; the caller commits all of it in one transaction, or nothing. */
export interface Settled {
  /** The group afterwards: goals, epoch, leader, settings in force, lineage, switchover. */
  readonly group: GroupSnapshot;
  readonly transitions: readonly Transition[];
  readonly removed: readonly number[];
  readonly epochRaised: boolean;
}

/** Longer chains do not occur; a table that cycles must not hang the monitor. */
const LONGEST_CHAIN = 100;

/** Takes in what the nodes reported, then applies the rules until nothing changes. */
export function settle(found: GroupSnapshot, book: RuleBook): Settled {
  const restored = takeOverFromNodes(found);
  if (!restored && isBehindItsNodes(found)) return unchanged(doubted(found));
  const { group, transitions, removed, epochRaised } = restored ?? unchanged(found);
  let settled: Settled = {
    group: assignSetting(admitForeignSetting(dropSupersededSettings(extendLineage(group)))),
    transitions,
    removed,
    epochRaised,
  };
  for (let round = 0; round < LONGEST_CHAIN; round++) {
    const next = decide(settled.group, book);
    if (!next) return settled;
    settled = {
      group: next.group,
      transitions: [...settled.transitions, ...next.transitions],
      removed: [...settled.removed, ...next.removed],
      epochRaised: settled.epochRaised || next.epochRaised,
    };
  }
  const last = settled.transitions.slice(-4).map((transition) => transition.rule);
  throw new BugError(`the rules do not come to rest: … ${last.join(', ')}`);
}

function unchanged(group: GroupSnapshot): Settled {
  return { group, transitions: [], removed: [], epochRaised: false };
}

/** The first rule that matches and changes something, applied; null when the group is at rest. */
export function decide(group: GroupSnapshot, book: RuleBook): Settled | null {
  const sides = sidesOf(group);
  for (const rule of book.rules) {
    for (const subject of subjectsOf(sides, rule)) {
      if (!ruleMatches(sides, rule, subject, book.guards)) continue;
      const applied = apply(group, rule, subject);
      if (applied) return applied;
    }
  }
  return null;
}

function apply(before: GroupSnapshot, rule: MonitorRule, subject: NodeSnapshot): Settled | null {
  const transitions: Transition[] = [];
  let group = before;
  const assign = (node: NodeSnapshot, goal: State): void => {
    if (node.goal === goal) return;
    transitions.push({ node: node.id, from: node.goal, goal, rule: rule.id, because: rule.because });
    group = withGoal(group, node.id, goal);
  };

  const leader = leaderOf(before);
  if (rule.assign.leader && leader) assign(leader, rule.assign.leader);
  if (rule.assign.subject) assign(subject, rule.assign.subject);
  const { followers } = rule.assign;
  if (followers) {
    for (const node of before.nodes) {
      if (node.id === subject.id || node.id === before.leader) continue;
      if (matchesPattern(before, node, followers.matching)) assign(node, followers.goal);
    }
  }

  const effects = new Set<Effect>(rule.effects);
  const removed = effects.has('removeNode') ? [subject.id] : [];
  const epochRaised = effects.has('orderPromotion');
  if (transitions.length === 0 && removed.length === 0) return null;
  if (epochRaised) group = orderPromotion(group, subject.id);
  if (effects.has('beginSwitchover'))
    group = { ...group, switchoverTarget: successorOf(group)?.id ?? null, switchoverForced: false };
  if (effects.has('endSwitchover')) group = { ...group, switchoverTarget: null, switchoverForced: false };
  if (effects.has('chooseSource')) group = { ...group, walSource: choiceOf(before)?.source?.id ?? null };
  for (const id of removed) group = withCarriedNumber(withoutNode(group, id));
  return { group: assignSetting(group), transitions, removed, epochRaised };
}

/**
 * Gives the next epoch to a node. Its first setting is committed with the order, before it takes writes, so
 * F of the new epoch starts with it alone: no commit of this epoch can have been made under another one. A leader that
 * opens again keeps its settings beside it, as nobody has promised to have what was committed under them. The drop of the
 * leader before is final by it.
 */
export function orderPromotion(group: GroupSnapshot, node: number): GroupSnapshot {
  const given = { ...group, epoch: group.epoch + 1, leader: node, walSource: null };
  const isLeft = group.leader !== node && leaderOf(group)?.goal === 'dropped';
  const ordered = isLeft ? withCarriedNumber(given) : given;
  const version = (newestSetting(group)?.version ?? 0) + 1;
  const first = desiredSetting(ordered) ?? { required: 0, members: [] };
  const before = node === group.leader ? group.settingsInForce : [];
  return { ...ordered, settingsInForce: [...before, { version, ...first }] };
}

export function withoutNode(group: GroupSnapshot, id: number): GroupSnapshot {
  const nodes = group.nodes.filter((node) => node.id !== id);
  return group.leader === id ? { ...group, nodes, leader: null } : { ...group, nodes };
}

/** Records the timeline of an epoch when its leader first reports that it takes writes in it. */
function extendLineage(group: GroupSnapshot): GroupSnapshot {
  const leader = leaderOf(group);
  if (!leader || group.lineage.at(-1)?.epoch === group.epoch) return group;
  const { facts, postgresRunning, tli } = leader.report;
  if (facts.epoch !== group.epoch || !postgresRunning || !canTakeWrites(leader.reported)) return group;
  const promoted = facts.promoted?.epoch === group.epoch ? facts.promoted : null;
  const entry = { epoch: group.epoch, tli: promoted?.tli ?? tli, switchpoint: promoted?.switchpoint ?? null };
  return { ...group, lineage: [...group.lineage, entry] };
}
