import type { FormationPlan } from '@pgaf/plugin-api/test-formation';

/** A node as the monitor knows it. */
export interface NodeState {
  readonly name: string;
  readonly group: number;
  /** Such as `primary`: what the node said last. */
  readonly reported: string;
  /** What the monitor wants it to be. */
  readonly assigned: string;
  /** 1 good, 0 bad, -1 unknown. */
  readonly health: number;
}

const isSettled = ({ reported, assigned }: NodeState): boolean => reported === assigned;

/** The one of a group that takes writes, and is to take them. */
export function primaryOf(states: readonly NodeState[], group: number): NodeState | null {
  const takesWrites = ({ reported }: NodeState) => ['single', 'wait_primary', 'primary'].includes(reported);
  const found = states.filter((node) => node.group === group && isSettled(node) && takesWrites(node));
  return found.length === 1 ? (found[0] ?? null) : null;
}

/** Whether all that is planned is there, each group with its primary and every other node a standby of it. */
export function isStable(states: readonly NodeState[], { nodes }: Pick<FormationPlan, 'nodes'>): boolean {
  if (!nodes.every(({ name }) => states.some((node) => node.name === name && isSettled(node)))) return false;
  return [...new Set(states.map(({ group }) => group))].every((group) => {
    const members = states.filter((node) => node.group === group).map(({ reported }) => reported);
    const primaries = members.filter((state) => state === (members.length === 1 ? 'single' : 'primary'));
    const standbys = members.filter((state) => state === 'secondary');
    return primaries.length === 1 && standbys.length === members.length - 1;
  });
}

export function describeStates(states: readonly NodeState[]): string {
  return states
    .map(
      ({ name, group, reported, assigned, health }) =>
        `${name}: group ${group}, ${reported}, to be ${assigned}, health ${health}`,
    )
    .join('\n');
}
