import type pg from 'pg';

/**
 * Everything that an operator's command can change, and nothing that reports and health checks write. Equal before and
 * after means that a command has changed nothing.
 */
export async function decided(client: pg.Client): Promise<unknown> {
  const { rows } = await client.query(`
    SELECT (SELECT jsonb_agg(f ORDER BY formationid) FROM pgautofailover.formation f) AS formations,
           (SELECT jsonb_agg(jsonb_build_object(
                     'formation', formationid, 'id', nodeid, 'group', groupid, 'name', nodename, 'host', nodehost,
                     'port', nodeport, 'goal', goalstate, 'priority', candidatepriority, 'quorum', replicationquorum,
                     'cluster', nodecluster, 'region', region, 'paused', paused) ORDER BY nodeid)
              FROM pgautofailover.node) AS nodes,
           (SELECT jsonb_agg(jsonb_build_object(
                     'formation', formationid, 'group', groupid, 'epoch', epoch, 'leader', leader,
                     'target', switchover_target, 'setting', settings_in_force -> -1) ORDER BY formationid, groupid)
              FROM pgautofailover.group_state) AS groups,
           (SELECT jsonb_agg(description ORDER BY eventid)
              FROM pgautofailover.event WHERE rule IS NOT NULL OR description LIKE 'Setting %') AS decisions`);
  return rows[0];
}
