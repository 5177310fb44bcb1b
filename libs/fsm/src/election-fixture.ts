import { groupFixture, HOST_DOWN, type GroupFixture, type NodeFixture } from './group-fixture.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';
import type { KeeperFacts, SyncSetting } from './vocabulary.js';

/** Nodes of an election for epoch 2, and what becomes of them. */
export function settled(fixture: GroupFixture): { goals: Record<number, string>; epoch: number } {
  const { group } = settle(groupFixture(fixture), baseRuleBook());
  return { goals: Object.fromEntries(group.nodes.map((node) => [node.id, node.goal])), epoch: group.epoch };
}

export const stopped = (finalLsn: bigint | null): KeeperFacts => ({ stopped: { belowEpoch: 2, finalLsn } });

export const promise = (lsn: bigint): KeeperFacts => ({ promise: { epoch: 2, tli: 1, lsn } });

export const anyOf = (required: number, ...members: number[]): SyncSetting[] => [
  { version: 1, required, members },
];

export const sawItGo: KeeperFacts = { upstream: { node: 1, streaming: false, closed: true, refused: true } };

export const down: NodeFixture = { id: 1, reported: 'primary', goal: 'draining', ...HOST_DOWN };

/** A node that has promised. */
export const asked = (id: number, lsn: bigint, more: Partial<NodeFixture> = {}): NodeFixture => ({
  id,
  reported: 'report_lsn',
  facts: { ...promise(lsn), ...sawItGo },
  ...more,
});
