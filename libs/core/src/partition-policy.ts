/**
 * What commits do while their primary and the standby that must acknowledge them are apart and the monitor hears both:
 * `availability` goes on without the standby after a stall, `durability` waits for it.
 */
export const PARTITION_POLICIES = ['availability', 'durability'] as const;

export type PartitionPolicy = (typeof PARTITION_POLICIES)[number];

export function isPartitionPolicy(word: unknown): word is PartitionPolicy {
  return PARTITION_POLICIES.some((policy) => policy === word);
}
