import { canTakeWrites } from '@pgaf/core/states';
import type { FormationView } from '@pgaf/plugin-api';
import { COORDINATOR_GROUP } from './placement.js';

/** The primary of the coordinator is the one writer of `pg_dist_node`. */
export function writesDistNode(id: number, { groups }: FormationView): boolean {
  const coordinator = groups.find(({ group }) => group === COORDINATOR_GROUP);
  if (!coordinator || coordinator.restored || coordinator.leader !== id) return false;
  const node = coordinator.nodes.find((one) => one.id === id);
  return node !== undefined && canTakeWrites(node.reported) && canTakeWrites(node.goal);
}
