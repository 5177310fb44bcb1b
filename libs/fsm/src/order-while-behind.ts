import { acceptTimeline } from './accept-timeline.js';
import { accept, refuse, SQLSTATE, type CommandDecision } from './command-decision.js';
import { lastHeardOf, longestLease } from './lease.js';
import type { OperatorCommand } from './operator.js';
import { removeNode } from './order-removal.js';
import { strangerThatLeads, takeOverWithoutLeader } from './restored.js';
import type { RuleBook } from './rule-book.js';
import type { Settled } from './settle.js';
import type { GroupSnapshot } from './vocabulary.js';

/**
 * What an operator can order while the nodes of a group know more than its monitor, which was restored from a backup:
 * nothing but to go on without a node. `restoring` says what the group waits for.
 */
export function decideWhileBehind(
  group: GroupSnapshot,
  command: OperatorCommand,
  restoring: string,
  book: RuleBook,
): CommandDecision {
  if (command.kind === 'remove_node' && command.force) return removeNode(group, command.node, true, book);
  const stranger = strangerThatLeads(group);
  if (stranger !== null && command.kind === 'perform_lossy_failover') {
    return refuseWhileHeard(group, stranger) ?? goOnWithout(takeOverWithoutLeader(group), book);
  }
  if (stranger !== null && command.kind === 'accept_timeline') {
    const taken = takeOverWithoutLeader(group);
    const decision = acceptTimeline(taken.group, command.tli, command.by, book);
    if (decision.tag === 'refused') return decision;
    return refuseWhileHeard(group, stranger) ?? withTakeover(taken, decision);
  }
  return refuse(
    SQLSTATE.notInPrerequisiteState,
    `the nodes of ${group.formation.id} know more than this monitor`,
    {
      detail: `It seems to be restored from a backup: ${restoring}.`,
      hint:
        stranger === null
          ? 'Start the nodes that have not reported, or drop those that are gone for good with --force.'
          : 'Stop that node, if it is there, and go on without it: pgaf perform failover --allow-data-loss.',
    },
  );
}

function goOnWithout({ group, transitions }: Settled, book: RuleBook): CommandDecision {
  return accept(group, { transitions }, true, book);
}

function withTakeover({ transitions }: Settled, decision: CommandDecision): CommandDecision {
  if (decision.tag === 'refused') return decision;
  const { settled } = decision;
  return { ...decision, settled: { ...settled, transitions: [...transitions, ...settled.transitions] } };
}

/** The group knows nothing of that node but what its standbys hear, and how long its own nodes hold a lease. */
function refuseWhileHeard(group: GroupSnapshot, stranger: number | 'unknown'): CommandDecision | null {
  const known = new Set(group.nodes.map(({ id }) => id));
  const streamed = group.nodes.flatMap(({ report }) => report.facts.upstream?.node ?? []);
  const strangers = [
    ...streamed.filter((id) => !known.has(id)),
    ...(stranger === 'unknown' ? [] : [stranger]),
  ];
  const heard = Math.max(0, ...strangers.map((id) => lastHeardOf(group, id) ?? 0));
  const left = heard + longestLease(group) + group.timings.leaseMargin - group.now;
  if (left <= 0) return null;
  return refuse(
    SQLSTATE.notInPrerequisiteState,
    'cannot go on without the primary yet: a standby still hears from it, or did a moment ago',
    {
      detail: `Where nothing comes any more, it takes no writes in ${Math.ceil(left / 1000)} s.`,
      hint: `Stop ${stranger === 'unknown' ? 'it' : `node ${stranger}`} first, with \`pgaf stop\` there, and try again then.`,
    },
  );
}
