import type { Client } from 'pg';
import type { GroupKey } from './group-store.js';
import type { HealthNews } from './health-checker.js';

export interface WrittenHealth extends GroupKey {
  readonly node: number;
  /** `flip`: from good to bad, or back. `refusal`: whether the host refuses is another fact now. */
  readonly change: 'flip' | 'refusal' | 'none';
}

/**
 * Writes what checks saw.
 * @returns those that were good or bad, of nodes that are still there
 */
export async function writeHealth(
  client: Client,
  news: readonly HealthNews[],
): Promise<readonly WrittenHealth[]> {
  for (const { node, reason } of news.filter(({ health }) => health === 'unknown')) {
    await client.query('SELECT pgautofailover_private.record_unknown_health($1, $2)', [node, reason]);
  }
  const known = news.filter(({ health }) => health !== 'unknown');
  if (known.length === 0) return [];
  // In one transaction: each that notifies wakes every keeper. It does not wait for the disk, and so the rows are not
  // locked for as long: what is lost with the server is seen again.
  const { rows } = await client.query<WrittenHealth>({
    name: 'record-health',
    text: `WITH seen AS MATERIALIZED (
             SELECT s.*, n.formationid, n.groupid,
                    CASE WHEN n.health <> s.health THEN 'flip'
                         WHEN n.healthrefused <> s.refused THEN 'refusal' ELSE 'none' END AS change
               FROM unnest($1::bigint[], $2::int[], $3::bool[]) AS s (id, health, refused)
               JOIN pgautofailover.node n ON n.nodeid = s.id
              ORDER BY s.id)
           SELECT id::float8 AS node, formationid AS formation, groupid AS "group", change
             FROM seen, pgautofailover_private.record_health(id, health, refused)
            WHERE set_config('synchronous_commit', 'off', true) = 'off'`,
    values: [
      known.map(({ node }) => node),
      known.map(({ health }) => (health === 'good' ? 1 : 0)),
      known.map(({ refused }) => refused),
    ],
  });
  return rows;
}
