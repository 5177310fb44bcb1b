import type { Refused, RemovalRequest } from '@pgaf/plugin-api';
import { COORDINATOR_GROUP } from './placement.js';
import { coordinatorOf, shardsOnlyIn } from './said.js';

/** The last node of a worker group does not go before the coordinator has let it go; that one goes last. */
export function validateRemoval({ node, group, formation }: RemovalRequest): Refused | null {
  if (isReplaceable({ node, group, formation })) return null;
  if (group === COORDINATOR_GROUP) return removalOfCoordinator(formation);
  // Whether there are shards, it asks the coordinator before it stops.
  if (coordinatorOf(formation)) return null;
  return refused(
    `node ${node} is the last of group ${group}, and there is no coordinator to say whether there are shards in it`,
    'Bring the coordinator up first; or use --force, and give up what only this group has.',
  );
}

/** What goes with the last node of a group, or stays behind, as far as the coordinator says. */
export function removalLoss({ node, group, formation }: RemovalRequest): string | null {
  if (isReplaceable({ node, group, formation })) return null;
  if (group === COORDINATOR_GROUP) {
    const workers = workerGroups(formation);
    return workers.length === 0
      ? null
      : `the formation has no coordinator any more: nothing tells which table the shards of the groups ${workers.join(', ')} are of`;
  }
  const shards = shardsOnlyIn(formation, group);
  if (shards === 0) return null;
  const what = shards === null ? 'the shards that only it had' : countOf(shards);
  return `group ${group} is gone with ${what}; its row stays in pg_dist_node until the tables that have shards there are dropped`;
}

/** Another node of the group has what it has, or there is nothing that only such a node has. */
function isReplaceable({ node, group, formation }: RemovalRequest): boolean {
  const nodes = formation.groups.find((one) => one.group === group)?.nodes ?? [];
  const others = nodes.filter(({ id, goal }) => id !== node && goal !== 'dropped');
  if (others.some(({ cluster }) => cluster === 'default')) return true;
  return nodes.find(({ id }) => id === node)?.cluster !== 'default';
}

export function countOf(shards: number): string {
  return `${shards} shard${shards === 1 ? '' : 's'}`;
}

function workerGroups({ groups }: RemovalRequest['formation']): number[] {
  return groups
    .filter(({ group, nodes }) => group !== COORDINATOR_GROUP && nodes.some(({ goal }) => goal !== 'dropped'))
    .map(({ group }) => group);
}

function removalOfCoordinator(formation: RemovalRequest['formation']): Refused | null {
  const workers = workerGroups(formation);
  if (workers.length === 0) return null;
  return refused(
    `the coordinator is needed by the worker groups ${workers.join(', ')}`,
    'Drop the workers first, or add another node to group 0; or use --force, and give up what only it has.',
  );
}

function refused(reason: string, hint: string): Refused {
  return { tag: 'refused', reason, hint };
}
