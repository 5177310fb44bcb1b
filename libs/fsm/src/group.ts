import { hostAndPort } from '@pgaf/core/host-and-port';
import { canTakeWrites, handsOver, type State } from '@pgaf/core/states';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

export function nodeOf(group: GroupSnapshot, id: number): NodeSnapshot | null {
  return group.nodes.find((node) => node.id === id) ?? null;
}

/** The node that the group's epoch was given to. */
export function leaderOf(group: GroupSnapshot): NodeSnapshot | null {
  return group.leader === null ? null : nodeOf(group, group.leader);
}

/** A leader that was stopped, was given another epoch, and has not reported that it is open. */
export function isReopening({ goal, reported }: NodeSnapshot): boolean {
  return canTakeWrites(goal) && handsOver(reported);
}

/** A leader that was given its epoch as a standby, and has not said that it takes writes. */
export function hasNotOpened(leader: NodeSnapshot): boolean {
  return leader.reported === 'prepare_promotion' || leader.reported === 'secondary';
}

/** Every node but the leader that is to stay. */
export function followersOf(group: GroupSnapshot): NodeSnapshot[] {
  return group.nodes.filter((node) => node.id !== group.leader && node.goal !== 'dropped');
}

export function isConverged(node: NodeSnapshot, ...states: State[]): boolean {
  return node.reported === node.goal && states.includes(node.goal);
}

/** One paused node is enough: what happens to the others may be the work on it. */
export function isPaused(group: GroupSnapshot): boolean {
  return group.nodes.some((node) => node.paused);
}

export function withGoal(group: GroupSnapshot, id: number, goal: State): GroupSnapshot {
  return { ...group, nodes: group.nodes.map((node) => (node.id === id ? { ...node, goal } : node)) };
}

/** `node 2 "node_2" (127.0.0.1:5502)`: how messages name a node. */
export function designate(node: Pick<NodeSnapshot, 'id' | 'name' | 'host' | 'port'>): string {
  return `node ${node.id} "${node.name}" (${hostAndPort(node.host, node.port)})`;
}
