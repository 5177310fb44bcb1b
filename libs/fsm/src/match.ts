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

/** The nodes that a rule can be about, by id. */
export function subjectsOf(group: GroupSnapshot, rule: MonitorRule): readonly NodeSnapshot[] {
  switch (rule.about) {
    case 'leader':
      return group.nodes.filter((node) => node.id === group.leader);
    case 'follower':
      return group.nodes.filter((node) => node.id !== group.leader);
    case 'node':
      return group.nodes;
  }
}

export function ruleMatches(
  group: GroupSnapshot,
  rule: MonitorRule,
  subject: NodeSnapshot,
  guards: RuleBook['guards'],
): boolean {
  const { someOther, noOther } = rule;
  if (rule.subject && !matchesPattern(group, subject, rule.subject)) return false;
  const leader = leaderOf(group);
  if (rule.leader === 'absent' && leader !== null) return false;
  if (rule.leader && rule.leader !== 'absent') {
    if (!leader || !matchesPattern(group, leader, rule.leader)) return false;
  }
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
