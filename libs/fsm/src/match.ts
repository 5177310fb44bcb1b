import { leaderOf } from './group.js';
import { hasHealth } from './health.js';
import type { RuleBook } from './rule-book.js';
import type { GroupSnapshot, MonitorRule, NodePattern, NodeSnapshot } from './vocabulary.js';

export function matchesPattern(group: GroupSnapshot, node: NodeSnapshot, pattern: NodePattern): boolean {
  const { reported, goal, converged, health, quorum, candidate } = pattern;
  return (
    (reported === undefined || reported.includes(node.reported)) &&
    (goal === undefined || goal.includes(node.goal)) &&
    (converged === undefined || (node.reported === node.goal && converged.includes(node.goal))) &&
    (quorum === undefined || node.quorum === quorum) &&
    (candidate === undefined || node.candidatePriority > 0 === candidate) &&
    (health === undefined || hasHealth(group, node, health))
  );
}

/** A group as its rules look at it; found once for all of them. */
export interface Sides {
  readonly group: GroupSnapshot;
  readonly leader: NodeSnapshot | null;
  /** Those that are to leave as well. */
  readonly followers: readonly NodeSnapshot[];
}

export function sidesOf(group: GroupSnapshot): Sides {
  return {
    group,
    leader: leaderOf(group),
    followers: group.nodes.filter((node) => node.id !== group.leader),
  };
}

/** The nodes that a rule can be about now, by id: none where its pattern of the leader does not fit. */
export function subjectsOf(sides: Sides, rule: MonitorRule): readonly NodeSnapshot[] {
  const { group, leader, followers } = sides;
  if (!leaderMatches(sides, rule)) return [];
  switch (rule.about) {
    case 'leader':
      return leader ? [leader] : [];
    case 'follower':
      return followers;
    case 'node':
      return group.nodes;
  }
}

function leaderMatches({ group, leader }: Sides, { leader: pattern }: MonitorRule): boolean {
  if (pattern === undefined) return true;
  if (pattern === 'absent') return leader === null;
  return leader !== null && matchesPattern(group, leader, pattern);
}

/** Whether a rule matches for one of its `subjectsOf`. */
export function ruleMatches(
  { group, leader }: Sides,
  rule: MonitorRule,
  subject: NodeSnapshot,
  guards: RuleBook['guards'],
): boolean {
  const { someOther, noOther } = rule;
  if (rule.subject && !matchesPattern(group, subject, rule.subject)) return false;
  if (someOther && !someOtherMatches(group, subject, someOther)) return false;
  if (noOther && someOtherMatches(group, subject, noOther)) return false;
  for (const name of rule.guards ?? []) {
    if (guards[name]?.({ group, subject, leader }) !== true) return false;
  }
  return true;
}

function someOtherMatches(group: GroupSnapshot, subject: NodeSnapshot, pattern: NodePattern): boolean {
  return group.nodes.some((node) => node.id !== subject.id && matchesPattern(group, node, pattern));
}
