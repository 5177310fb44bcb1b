import type { State } from '@pgaf/core/states';
import { refusePriority } from './candidate-priority.js';
import { followersOf, leaderOf } from './group.js';
import { refuse, SQLSTATE, type Refusal } from './command-decision.js';
import { assignSetting } from './quorum.js';
import { isBehindItsNodes } from './restored.js';
import { orderPromotion } from './settle.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

export interface Placed {
  readonly tag: 'placed';
  readonly goal: State;
  /** The group with the node in it; `formation.numberSyncStandbys` may have changed. */
  readonly group: GroupSnapshot;
}

/** A second quorum standby makes it possible, and so the default, that one may be lost without a stall. */
const QUORUM_STANDBYS_FOR_SYNC = 2;

/**
 * What a new node of a group is to become. Its id is given and `node.goal` is ignored: the first node that
 * may be elected becomes `single` and opens an epoch, every other one waits to be a standby.
 */
export function addNode(group: GroupSnapshot, node: NodeSnapshot): Placed | Refusal {
  const refusal = refusePriority(node, node.candidatePriority);
  if (refusal) return refusal;
  const others = group.nodes.filter((other) => other.goal !== 'dropped');
  if (others.length === 0 && node.candidatePriority > 0) {
    // What an operator wanted of those that were there before is nothing of its.
    const ended = { ...group, switchoverTarget: null, switchoverForced: false };
    const first = { ...ended, nodes: [...group.nodes, { ...node, goal: 'single' as const }] };
    return { tag: 'placed', goal: 'single', group: orderPromotion(first, node.id) };
  }
  if (others.length === 0) {
    return refuse(
      SQLSTATE.notYet,
      `group ${group.group} has no node yet, and a node of candidate priority 0 cannot be its first`,
      { hint: 'Create a node with a higher candidate priority first.' },
    );
  }
  if (!group.formation.secondary) {
    return refuse(SQLSTATE.notInPrerequisiteState, `formation "${group.formation.id}" takes no standby`, {
      hint: 'Enable standbys with: pgaf enable secondary.',
    });
  }
  if (isBehindItsNodes(group)) {
    return refuse(
      SQLSTATE.notInPrerequisiteState,
      `group ${group.group} takes no node now: its nodes know more than this monitor`,
      {
        hint: 'It seems to be restored from a backup. Try again when all nodes of the group have reported: see show state.',
      },
    );
  }
  const leader = leaderOf(group);
  if (!leader || leader.goal === 'dropped') {
    return refuse(SQLSTATE.notYet, `group ${group.group} has no primary to follow now`, {
      hint: 'Try again when show state lists a primary.',
    });
  }
  const joined = { ...group, nodes: [...group.nodes, { ...node, goal: 'wait_standby' as const }] };
  return { tag: 'placed', goal: 'wait_standby', group: assignSetting(withSyncDefault(joined)) };
}

function withSyncDefault(group: GroupSnapshot): GroupSnapshot {
  const quorum = followersOf(group).filter((node) => node.quorum).length;
  if (group.formation.numberSyncStandbys > 0 || quorum !== QUORUM_STANDBYS_FOR_SYNC) return group;
  return { ...group, formation: { ...group.formation, numberSyncStandbys: 1 } };
}
