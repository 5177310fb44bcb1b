import { acceptTimeline } from './accept-timeline.js';
import type { CommandDecision } from './command-decision.js';
import { performFailover, performPromotion } from './order-failover.js';
import { failOverWithLoss } from './order-lossy-failover.js';
import { startMaintenance, stopMaintenance } from './order-maintenance.js';
import { removeNode } from './order-removal.js';
import { setCandidatePriority, setNumberSyncStandbys, setReplicationQuorum } from './order-settings.js';
import { decideWhileBehind } from './order-while-behind.js';
import { whatRestoringWaitsFor } from './restored.js';
import type { RuleBook } from './rule-book.js';
import type { GroupSnapshot } from './vocabulary.js';

/** What an operator can ask of one group. */
export type OperatorCommand =
  | { readonly kind: 'perform_failover'; readonly forced?: boolean }
  | { readonly kind: 'perform_lossy_failover' }
  | { readonly kind: 'accept_timeline'; readonly tli: number; readonly by: string | null }
  | { readonly kind: 'perform_promotion'; readonly name: string; readonly forced?: boolean }
  | { readonly kind: 'remove_node'; readonly node: number; readonly force: boolean }
  | { readonly kind: 'start_maintenance'; readonly node: number }
  | { readonly kind: 'stop_maintenance'; readonly node: number }
  | { readonly kind: 'set_candidate_priority'; readonly name: string; readonly priority: number }
  | { readonly kind: 'set_replication_quorum'; readonly name: string; readonly quorum: boolean }
  | { readonly kind: 'set_number_sync_standbys'; readonly number: number };

/** Decides a command; refused means that nothing changes. */
export function decideCommand(
  group: GroupSnapshot,
  command: OperatorCommand,
  book: RuleBook,
): CommandDecision {
  const restoring = whatRestoringWaitsFor(group);
  if (restoring !== null) return decideWhileBehind(group, command, restoring, book);
  switch (command.kind) {
    case 'perform_failover':
      return performFailover(group, { target: null, forced: command.forced ?? false }, book);
    case 'perform_lossy_failover':
      return failOverWithLoss(group, book);
    case 'accept_timeline':
      return acceptTimeline(group, command.tli, command.by, book);
    case 'perform_promotion':
      return performPromotion(group, { name: command.name, forced: command.forced ?? false }, book);
    case 'remove_node':
      return removeNode(group, command.node, command.force, book);
    case 'start_maintenance':
      return startMaintenance(group, command.node, book);
    case 'stop_maintenance':
      return stopMaintenance(group, command.node, book);
    case 'set_candidate_priority':
      return setCandidatePriority(group, command.name, command.priority, book);
    case 'set_replication_quorum':
      return setReplicationQuorum(group, command.name, command.quorum, book);
    case 'set_number_sync_standbys':
      return setNumberSyncStandbys(group, command.number, book);
  }
}
