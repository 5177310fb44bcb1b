import type { Placement, PlacementRequest, Refused, Registration } from '@pgaf/plugin-api';

/** The group of the coordinator, as in `pg_dist_node`. */
export const COORDINATOR_GROUP = 0;

/** The coordinator is group 0. Workers fill groups from 1 on in pairs, unless a group is asked for. */
export function assignGroup({ role, wantedGroup, secondary, groups }: PlacementRequest): Placement {
  const nodesOf = (group: number): number => groups.find((one) => one.group === group)?.nodes ?? 0;
  if (role === 'coordinator') {
    if (wantedGroup !== null && wantedGroup !== COORDINATOR_GROUP)
      return refused(`A coordinator is in group 0, not in group ${wantedGroup}`, 'Leave --group out.');
    return placed(COORDINATOR_GROUP, nodesOf, secondary);
  }
  if (wantedGroup === COORDINATOR_GROUP) {
    return refused('Group 0 is the coordinator’s, and a worker cannot be in it', 'Give --group 1 or more.');
  }
  if (wantedGroup !== null) return placed(wantedGroup, nodesOf, secondary);
  let group = COORDINATOR_GROUP + 1;
  while (nodesOf(group) >= (secondary ? 2 : 1)) group++;
  return { tag: 'group', group };
}

function placed(group: number, nodesOf: (group: number) => number, secondary: boolean): Placement {
  if (secondary || nodesOf(group) === 0) return { tag: 'group', group };
  return refused(
    `This formation takes no standbys, and group ${group} has its one node already`,
    'Enable standbys first, with `pgaf enable secondary`, or choose another group.',
  );
}

/** A node that only serves reads is a standby that nobody promotes. */
export function validateNode({ cluster, candidatePriority, position }: Registration): Refused | null {
  if (cluster === 'default') return null;
  if (candidatePriority !== 0) {
    return refused(
      `A node of the cluster "${cluster}" serves reads alone, and its candidate priority is ${candidatePriority}`,
      'Give it --candidate-priority 0.',
    );
  }
  if (position === 0) {
    return refused(
      'The first node of a group is its primary, and a node that only serves reads cannot be that',
      'Create the primary of the group first, or join another group with --group.',
    );
  }
  return null;
}

/** `coord0a`, `worker1b`, …: a letter for each place in the group; after z, letters as columns have them. */
export function nodeName({ role, group, position }: Registration): string {
  return `${role === 'coordinator' ? 'coord' : 'worker'}${group}${letters(position)}`;
}

function letters(position: number): string {
  const last = String.fromCharCode('a'.charCodeAt(0) + (position % 26));
  return position < 26 ? last : letters(Math.floor(position / 26) - 1) + last;
}

function refused(reason: string, hint: string): Refused {
  return { tag: 'refused', reason, hint };
}
