import type { Client } from 'pg';

/**
 * Makes formations that a monitor has from the start, those that are not there yet; each takes the kind and the database
 * of its first node. The audit log has them like those that are created later.
 */
export async function makeFirstFormations(client: Client, names: readonly string[]): Promise<void> {
  await client.query(
    `WITH made AS (
       INSERT INTO pgautofailover.formation (formationid) SELECT DISTINCT unnest($1::text[])
       ON CONFLICT DO NOTHING RETURNING *)
     INSERT INTO pgautofailover.command (kind, formationid, requested_by, deadline, status, answer, answered_at)
     SELECT 'create_formation', formationid, session_user, now(), 'done', '{"result": true}', now() FROM made`,
    [names],
  );
}
