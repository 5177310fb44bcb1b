import type { StateNews } from '../output/notification-table.js';

/** Tells from the news of a group, in their order, which change a state: others tell of a node's health alone. */
export function changedStates(): (news: StateNews) => boolean {
  const told = new Map<number, string>();
  return ({ nodeId, reportedState, goalState }) => {
    const states = `${reportedState} ${goalState}`;
    if (told.get(nodeId) === states) return false;
    told.set(nodeId, states);
    return true;
  };
}
