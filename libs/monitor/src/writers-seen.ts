import { canTakeWrites } from '@pgaf/core/states';
import type { GroupSnapshot } from '@pgaf/plugin-api/snapshot';

/** Which node takes the writes of each group, as far as was seen. */
export class WritersSeen {
  /** By formation and the number of the group. One that is gone since costs a notification too many. */
  readonly #writers = new Map<string, Map<number, number | null>>();

  /**
   * Whether other groups of its formation are to know that a node of this one takes writes that did not when it was seen
   * before; a first look tells nothing.
   */
  hasBegunForOthers({
    formation: { id },
    group,
    nodes,
  }: Pick<GroupSnapshot, 'formation' | 'group' | 'nodes'>): boolean {
    const writers = this.#writers.get(id) ?? new Map<number, number | null>();
    this.#writers.set(id, writers);
    const writer = nodes.find(({ reported, goal }) => canTakeWrites(reported) && canTakeWrites(goal));
    const before = writers.get(group);
    writers.set(group, writer?.id ?? null);
    return writer !== undefined && before !== undefined && before !== writer.id && writers.size > 1;
  }
}
