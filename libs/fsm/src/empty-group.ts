import type { GroupSnapshot } from './vocabulary.js';

/** A group before its first node: nobody leads, nothing is in force. */
export function emptyGroup(
  about: Pick<GroupSnapshot, 'now' | 'timings' | 'formation' | 'group'>,
): GroupSnapshot {
  return {
    ...about,
    epoch: 0,
    leader: null,
    settingsInForce: [],
    lineage: [],
    switchoverTarget: null,
    switchoverForced: false,
    walSource: null,
    restored: false,
    memory: {},
    nodes: [],
  };
}
