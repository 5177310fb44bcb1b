import type { FormationView, KeeperContext, NodeView } from '@pgaf/plugin-api';
import { COORDINATOR_GROUP } from './placement.js';
import { DIST_NODES, type DistNode } from './dist-node.js';

/** A node that Citus sends queries to. */
export interface ActiveNode {
  readonly group: number;
  readonly host: string;
  readonly port: number;
}

/** The coordinator’s words, by their names. */
const ACTIVE = 'active';
const SHARDS = 'shards';

/** Shards whose one placement is in the group, so that they go with it. */
const ONLY_THERE = `
SELECT groupid AS "group", count(*)::int AS shards
  FROM (SELECT shardid, min(groupid) AS groupid FROM pg_dist_placement WHERE shardstate = 1
         GROUP BY shardid HAVING count(*) = 1) AS alone
 GROUP BY groupid ORDER BY groupid`;

/** The coordinator says what its metadata have: who waits for it, or asks whether a node may go, looks there. */
export async function sayWhatIsThere({ sql, say }: Pick<KeeperContext, 'sql' | 'say'>): Promise<void> {
  const rows = await sql.query<DistNode>(DIST_NODES);
  say(
    ACTIVE,
    rows.filter(({ active }) => active).map(({ group, host, port }) => ({ group, host, port })),
  );
  const shards = await countShards(sql);
  say(
    SHARDS,
    [...shards].map(([group, count]) => ({ group, shards: count })),
  );
}

/** By group, the shards that are there alone. */
export async function countShards(sql: KeeperContext['sql']): Promise<ReadonlyMap<number, number>> {
  const rows = await sql.query<{ group: number; shards: number }>(ONLY_THERE);
  return new Map(rows.map(({ group, shards }) => [group, shards]));
}

/** The coordinator’s primary, as far as it is known to take writes or to have done so last. */
export function coordinatorOf({ groups }: Pick<FormationView, 'groups'>): NodeView | null {
  const group = groups.find((one) => one.group === COORDINATOR_GROUP);
  return group?.nodes.find(({ id }) => id === group.leader) ?? null;
}

/** What the coordinator says Citus sends queries to; nothing when it says nothing. */
export function activeNodes(formation: FormationView): readonly ActiveNode[] {
  return list<ActiveNode>(formation, ACTIVE);
}

/** How many shards are in this group alone; null when the coordinator does not say. */
export function shardsOnlyIn(formation: FormationView, group: number): number | null {
  if (coordinatorOf(formation)?.said?.[SHARDS] === undefined) return null;
  const found = list<{ group: number; shards: number }>(formation, SHARDS).find((one) => one.group === group);
  return found?.shards ?? 0;
}

/** Words of a plugin of another version may have another shape; what is not a list counts as not said. */
function list<Shape>(formation: FormationView, name: string): readonly Shape[] {
  const said = coordinatorOf(formation)?.said?.[name];
  return Array.isArray(said) ? (said as readonly unknown[] as readonly Shape[]) : [];
}
