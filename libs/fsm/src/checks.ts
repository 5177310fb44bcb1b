import type { State } from '@pgaf/core/states';
import type { EdgeTable } from './edge-table.js';
import { edgeKey } from './edge-table.js';
import type { RuleBook } from './rule-book.js';
import type { MonitorRule, NodePattern } from './vocabulary.js';

/** What is wrong with a table of rules; empty when nothing is. */
export function faultsOfRules(book: RuleBook): string[] {
  const faults: string[] = [];
  const seen = new Set<string>();
  for (const rule of book.rules) {
    if (seen.has(rule.id)) faults.push(`two rules have the id "${rule.id}"`);
    seen.add(rule.id);
    for (const guard of rule.guards ?? []) {
      if (!book.guards[guard])
        faults.push(`rule "${rule.id}" names the guard "${guard}", which does not exist`);
    }
    if (Object.keys(rule.assign).length === 0 && !rule.effects?.length) {
      faults.push(`rule "${rule.id}" changes nothing`);
    }
  }
  book.rules.forEach((rule, position) => {
    const shadow = book.rules.slice(0, position).find((earlier) => shadows(earlier, rule));
    if (shadow) faults.push(`rule "${rule.id}" can never match: "${shadow.id}" stands before it`);
  });
  return faults;
}

/**
 * True when `earlier` matches whatever `later` does. Sound for rows without guards of their own beyond the
 * later row's, which is what position mistakes look like; two guards that imply each other are not compared.
 */
function shadows(earlier: MonitorRule, later: MonitorRule): boolean {
  const guards = new Set(later.guards ?? []);
  return (
    (earlier.about === later.about || earlier.about === 'node') &&
    // A row that changes nothing when it matches lets later rows through, so only rows that assign the same
    // parts can shadow.
    changesAlways(earlier) &&
    covers(earlier.subject, later.subject) &&
    coversLeader(earlier.leader, later.leader) &&
    covers(earlier.someOther, later.someOther) &&
    (earlier.noOther === undefined || JSON.stringify(earlier.noOther) === JSON.stringify(later.noOther)) &&
    (earlier.guards ?? []).every((guard) => guards.has(guard))
  );
}

function changesAlways(rule: MonitorRule): boolean {
  if (rule.effects?.some((effect) => effect !== 'endSwitchover')) return true;
  const goals = goalsOf(rule.subject);
  return rule.assign.subject !== undefined && goals !== null && !goals.includes(rule.assign.subject);
}

function coversLeader(earlier: MonitorRule['leader'], later: MonitorRule['leader']): boolean {
  if (earlier === undefined) return true;
  if (earlier === 'absent' || later === 'absent') return earlier === later;
  return covers(earlier, later);
}

/** True when every node that matches `later` matches `earlier`. */
function covers(earlier: NodePattern | undefined, later: NodePattern | undefined): boolean {
  if (!earlier) return true;
  if (!later) return Object.keys(earlier).length === 0;
  return (
    includesAll(earlier.converged, later.converged) &&
    includesAll(earlier.reported, later.reported ?? later.converged) &&
    includesAll(earlier.goal, later.goal ?? later.converged) &&
    (earlier.health === undefined || earlier.health === later.health) &&
    (earlier.quorum === undefined || earlier.quorum === later.quorum) &&
    (earlier.candidate === undefined || earlier.candidate === later.candidate)
  );
}

function includesAll(wide: readonly State[] | undefined, narrow: readonly State[] | undefined): boolean {
  if (wide === undefined) return true;
  return narrow !== undefined && narrow.every((state) => wide.includes(state));
}

function goalsOf(pattern: NodePattern | undefined): readonly State[] | null {
  return pattern?.goal ?? pattern?.converged ?? null;
}

/** The states a matching node can report: `null` stands for any. */
function reportedOf(pattern: NodePattern | undefined): readonly State[] | null {
  return pattern?.reported ?? pattern?.converged ?? null;
}

/**
 * Goals that a rule can assign and no edge leads to. A pattern that says nothing of the reported state is
 * taken at every state that can have one of its goals: the goal itself, and each state with an edge to it.
 */
export function unreachableGoals(book: RuleBook, edges: EdgeTable): string[] {
  const faults: string[] = [];
  for (const rule of book.rules) {
    const leader = rule.leader === 'absent' ? undefined : rule.leader;
    const assigned: [NodePattern | undefined, State | undefined][] = [
      [rule.subject, rule.assign.subject],
      [leader, rule.assign.leader],
      [rule.assign.followers?.matching, rule.assign.followers?.goal],
    ];
    for (const [pattern, goal] of assigned) {
      if (goal === undefined) continue;
      for (const from of statesBefore(pattern, edges)) {
        if (from !== goal && !edges.has(edgeKey(from, goal))) {
          faults.push(`rule "${rule.id}" assigns ${goal} to a node in ${from}, and no edge leads there`);
        }
      }
    }
  }
  return faults;
}

function statesBefore(pattern: NodePattern | undefined, edges: EdgeTable): State[] {
  const reported = reportedOf(pattern);
  if (reported) return [...reported];
  const goals = pattern?.goal ?? [];
  const before = [...edges.values()].filter((edge) => goals.includes(edge.to)).map((edge) => edge.from);
  return [...new Set([...goals, ...before])];
}
