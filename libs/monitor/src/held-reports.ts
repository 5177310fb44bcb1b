import type { Client } from 'pg';
import type { GroupKey } from './group-store.js';
import { requireTerm } from './term.js';

/**
 * Has the reports of these groups wait until the transaction ends, so that what is read and decided in it is not outdated by
 * one: keepers in motion may report faster than a promotion is decided. The term first, as in `write_decision`.
 */
export async function holdReports(client: Client, term: number, groups: readonly GroupKey[]): Promise<void> {
  await requireTerm(client, term);
  await client.query({
    name: 'hold-reports',
    text: `SELECT FROM pgautofailover.node
           WHERE (formationid, groupid) IN (SELECT * FROM unnest($1::text[], $2::int[]))
           ORDER BY nodeid FOR UPDATE`,
    values: [groups.map(({ formation }) => formation), groups.map(({ group }) => group)],
  });
}
