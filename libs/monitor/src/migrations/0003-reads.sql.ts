/** What clients read. Immutable once released. */
export const sql = /* sql */ `
CREATE FUNCTION pgautofailover_private.takes_writes(state pgautofailover.replication_state) RETURNS bool
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT state IN ('single', 'primary', 'wait_primary', 'join_primary', 'apply_settings') $$;

CREATE FUNCTION pgautofailover.get_nodes(
  formation_id text DEFAULT 'default', group_id int DEFAULT NULL,
  OUT node_id bigint, OUT node_name text, OUT node_host text, OUT node_port int,
  OUT node_lsn pg_lsn, OUT node_is_primary bool
)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT nodeid, nodename, nodehost, nodeport, reportedlsn, pgautofailover_private.takes_writes(reportedstate)
  FROM pgautofailover.node
  WHERE formationid = formation_id AND (group_id IS NULL OR groupid = group_id)
  ORDER BY nodeid
$$;

CREATE FUNCTION pgautofailover_private.other_nodes(id bigint, state pgautofailover.replication_state)
RETURNS SETOF pgautofailover.node
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM FROM pgautofailover.node WHERE nodeid = id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no node with id % is registered at this monitor', id USING ERRCODE = 'undefined_object';
  END IF;
  RETURN QUERY
    SELECT other.*
    FROM pgautofailover.node me JOIN pgautofailover.node other USING (formationid, groupid)
    WHERE me.nodeid = id AND other.nodeid <> id AND other.goalstate <> 'dropped'
      AND (state IS NULL OR other.goalstate = state)
    ORDER BY other.nodeid;
END
$$;

CREATE FUNCTION pgautofailover.get_other_nodes(
  nodeid bigint, current_state pgautofailover.replication_state,
  OUT node_id bigint, OUT node_name text, OUT node_host text, OUT node_port int,
  OUT node_lsn pg_lsn, OUT node_is_primary bool
)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT o.nodeid, o.nodename, o.nodehost, o.nodeport, o.reportedlsn,
         pgautofailover_private.takes_writes(o.reportedstate)
  FROM pgautofailover_private.other_nodes($1, $2) o
$$;

CREATE FUNCTION pgautofailover.get_other_nodes(
  nodeid bigint,
  OUT node_id bigint, OUT node_name text, OUT node_host text, OUT node_port int,
  OUT node_lsn pg_lsn, OUT node_is_primary bool
)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT * FROM pgautofailover.get_other_nodes($1, NULL)
$$;

CREATE FUNCTION pgautofailover.get_primary(
  formation_id text DEFAULT 'default', group_id int DEFAULT 0,
  OUT primary_node_id bigint, OUT primary_name text, OUT primary_host text, OUT primary_port int
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  SELECT nodeid, nodename, nodehost, nodeport
  INTO primary_node_id, primary_name, primary_host, primary_port
  FROM pgautofailover.node
  WHERE formationid = formation_id AND groupid = group_id
    AND (pgautofailover_private.takes_writes(goalstate)
         OR goalstate IN ('draining', 'demote_timeout', 'prepare_maintenance', 'demoted'))
  ORDER BY pgautofailover_private.takes_writes(goalstate) DESC, goalstate = 'demoted', nodeid
  LIMIT 1;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'group % of formation "%" currently has no writable node', group_id, formation_id
      USING ERRCODE = 'internal_error';
  END IF;
END
$$;

CREATE FUNCTION pgautofailover.get_most_advanced_standby(
  formationid text DEFAULT 'default', groupid int DEFAULT 0, caller_node_id bigint DEFAULT 0,
  OUT node_id bigint, OUT node_name text, OUT node_host text, OUT node_port int,
  OUT node_lsn pg_lsn, OUT node_is_primary bool
)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT n.nodeid, n.nodename, n.nodehost, n.nodeport, n.reportedlsn, false
  FROM pgautofailover.node n
  WHERE n.formationid = $1 AND n.groupid = $2 AND n.nodeid <> $3
    AND n.reportedstate = 'report_lsn' AND n.health > 0
  ORDER BY n.reportedlsn DESC, n.health DESC
  LIMIT 1
$$;

CREATE FUNCTION pgautofailover.current_state(
  formation_id text DEFAULT 'default',
  OUT formation_kind text, OUT nodename text, OUT nodehost text, OUT nodeport int, OUT group_id int,
  OUT node_id bigint, OUT current_group_state pgautofailover.replication_state,
  OUT assigned_group_state pgautofailover.replication_state, OUT candidate_priority int,
  OUT replication_quorum bool, OUT reported_tli int, OUT reported_lsn pg_lsn, OUT health int,
  OUT nodecluster text, OUT noderegion text, OUT paused bool
)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT f.kind, n.nodename, n.nodehost, n.nodeport, n.groupid, n.nodeid, n.reportedstate, n.goalstate,
         n.candidatepriority, n.replicationquorum, n.reportedtli, n.reportedlsn, n.health, n.nodecluster, n.region,
         n.paused
  FROM pgautofailover.node n JOIN pgautofailover.formation f USING (formationid)
  WHERE f.formationid = $1
  ORDER BY n.groupid, n.nodeid
$$;

CREATE FUNCTION pgautofailover.current_state(
  formation_id text, group_id int,
  OUT formation_kind text, OUT nodename text, OUT nodehost text, OUT nodeport int, OUT group_id int,
  OUT node_id bigint, OUT current_group_state pgautofailover.replication_state,
  OUT assigned_group_state pgautofailover.replication_state, OUT candidate_priority int,
  OUT replication_quorum bool, OUT reported_tli int, OUT reported_lsn pg_lsn, OUT health int,
  OUT nodecluster text, OUT noderegion text, OUT paused bool
)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT * FROM pgautofailover.current_state($1) s WHERE s.group_id = $2 $$;

CREATE FUNCTION pgautofailover.last_events(count int DEFAULT 10) RETURNS SETOF pgautofailover.event
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT * FROM (SELECT * FROM pgautofailover.event ORDER BY eventid DESC LIMIT $1) newest ORDER BY eventid
$$;

CREATE FUNCTION pgautofailover.last_events(formation_id text DEFAULT 'default', count int DEFAULT 10)
RETURNS SETOF pgautofailover.event
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT * FROM (
    SELECT * FROM pgautofailover.event e WHERE e.formationid = $1 ORDER BY eventid DESC LIMIT $2
  ) newest ORDER BY eventid
$$;

CREATE FUNCTION pgautofailover.last_events(formation_id text, group_id int, count int DEFAULT 10)
RETURNS SETOF pgautofailover.event
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT * FROM (
    SELECT * FROM pgautofailover.event e WHERE e.formationid = $1 AND e.groupid = $2
    ORDER BY eventid DESC LIMIT $3
  ) newest ORDER BY eventid
$$;

-- Percent-encoded, but for what stands for itself anywhere in a URI.
CREATE FUNCTION pgautofailover_private.in_uri(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT string_agg(
    CASE WHEN c ~ '[A-Za-z0-9_.~-]' THEN c
         ELSE upper(regexp_replace(encode(convert_to(c, 'UTF8'), 'hex'), '(..)', '%\\1', 'g')) END,
    '' ORDER BY i)
  FROM regexp_split_to_table(value, '') WITH ORDINALITY AS t(c, i)
$$;

CREATE FUNCTION pgautofailover.formation_uri(
  formation_id text DEFAULT 'default', cluster_name text DEFAULT 'default', sslmode text DEFAULT 'prefer',
  sslrootcert text DEFAULT '', sslcrl text DEFAULT ''
)
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'postgres://'
    || string_agg(
         CASE WHEN n.nodehost LIKE '%:%' THEN format('[%s]:%s', n.nodehost, n.nodeport)
              ELSE format('%s:%s', n.nodehost, n.nodeport) END,
         ',' ORDER BY n.nodeid)
    || '/' || pgautofailover_private.in_uri(f.dbname) || '?'
    || CASE cluster_name WHEN 'default' THEN 'target_session_attrs=read-write&' ELSE '' END
    || 'sslmode=' || sslmode
    || CASE sslrootcert WHEN '' THEN '' ELSE '&sslrootcert=' || sslrootcert END
    || CASE sslcrl WHEN '' THEN '' ELSE '&sslcrl=' || sslcrl END
  FROM pgautofailover.formation f JOIN pgautofailover.node n USING (formationid)
  WHERE f.formationid = formation_id AND n.groupid = f.urigroup AND n.nodecluster = cluster_name
    AND n.goalstate <> 'dropped'
  GROUP BY f.formationid
$$;

CREATE FUNCTION pgautofailover.synchronous_standby_names(
  formation_id text DEFAULT 'default', group_id int DEFAULT 0
)
RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  setting jsonb;
BEGIN
  PERFORM FROM pgautofailover.node WHERE formationid = formation_id AND groupid = group_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'group % of formation "%" has no nodes', group_id, formation_id
      USING ERRCODE = 'invalid_object_definition';
  END IF;
  SELECT settings_in_force -> -1 INTO setting
  FROM pgautofailover.group_state WHERE formationid = formation_id AND groupid = group_id;
  IF setting IS NULL OR (setting ->> 'required')::int = 0 THEN
    RETURN '';
  END IF;
  RETURN format('ANY %s (%s)', setting ->> 'required', (
    SELECT string_agg('pgautofailover_standby_' || member, ', ' ORDER BY position)
    FROM jsonb_array_elements_text(setting -> 'members') WITH ORDINALITY m(member, position)
  ));
END
$$;

CREATE FUNCTION pgautofailover.formation_settings(
  formation_id text DEFAULT 'default',
  OUT context text, OUT group_id int, OUT node_id bigint, OUT nodename text, OUT setting text, OUT value text
)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'formation', NULL::int, NULL::bigint, f.formationid, 'number_sync_standbys', f.number_sync_standbys::text
  FROM pgautofailover.formation f WHERE f.formationid = $1
  UNION ALL
  SELECT 'formation', NULL, NULL, f.formationid, 'partition_policy', f.partition_policy
  FROM pgautofailover.formation f WHERE f.formationid = $1
  UNION ALL
  SELECT 'primary', n.groupid, n.nodeid, n.nodename, 'synchronous_standby_names',
         '''' || pgautofailover.synchronous_standby_names(n.formationid, n.groupid) || ''''
  FROM pgautofailover.node n
  WHERE n.formationid = $1 AND pgautofailover_private.takes_writes(n.goalstate)
  UNION ALL
  SELECT 'node', n.groupid, n.nodeid, n.nodename, s.setting, s.value
  FROM pgautofailover.node n,
       LATERAL (VALUES ('candidate priority', n.candidatepriority::text),
                       ('replication quorum', n.replicationquorum::text)) s(setting, value)
  WHERE n.formationid = $1
$$;

-- The timelines of a group: one for each epoch, with where it left the one before.
CREATE FUNCTION pgautofailover.timeline_history(
  formation_id text DEFAULT 'default', group_id int DEFAULT 0,
  OUT epoch bigint, OUT tli int, OUT parent_tli int, OUT switchpoint pg_lsn
)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT (entry ->> 'epoch')::bigint, (entry ->> 'tli')::int, lag((entry ->> 'tli')::int) OVER by_epoch,
         (entry ->> 'switchpoint')::pg_lsn
  FROM pgautofailover.group_state g, jsonb_array_elements(g.lineage) AS entry
  WHERE g.formationid = $1 AND g.groupid = $2
  WINDOW by_epoch AS (ORDER BY (entry ->> 'epoch')::bigint)
  ORDER BY 1
$$;

-- On the lineage are a node on a timeline of the group that has not passed where the group left that timeline, and the
-- node that the epoch was given to.
CREATE FUNCTION pgautofailover.node_timeline_status(
  formation_id text DEFAULT 'default', group_id int DEFAULT 0,
  OUT node_id bigint, OUT node_name text, OUT tli int, OUT lsn pg_lsn, OUT reference_tli int,
  OUT on_accepted_lineage bool
)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- A primary that opened again stays on its timeline: where the group left that stands further down.
  WITH entries AS MATERIALIZED (SELECT * FROM pgautofailover.timeline_history($1, $2)), history AS (
    SELECT h.tli,
           (SELECT later.switchpoint FROM entries later
             WHERE later.epoch > h.epoch AND later.tli <> h.tli ORDER BY later.epoch LIMIT 1) AS left_at,
           h.epoch = max(h.epoch) OVER () AS is_last
    FROM entries h
  )
  SELECT n.nodeid, n.nodename, n.reportedtli, n.reportedlsn, (SELECT h.tli FROM history h WHERE h.is_last),
         n.nodeid IS NOT DISTINCT FROM g.leader OR EXISTS (
           SELECT FROM history h
           WHERE h.tli = n.reportedtli AND (h.is_last OR h.left_at IS NULL OR n.reportedlsn <= h.left_at))
  FROM pgautofailover.node n JOIN pgautofailover.group_state g USING (formationid, groupid)
  WHERE n.formationid = $1 AND n.groupid = $2
  ORDER BY n.nodeid
$$;

-- Whether the monitor knows a group from a backup alone, as each report is told.
CREATE FUNCTION pgautofailover_private.is_doubted(believed_in_term bigint, s pgautofailover.service) RETURNS bool
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(believed_in_term < s.doubted_in_term
    OR s.system_identifier <> (SELECT here.system_identifier FROM pg_control_system() AS here)
    OR s.timeline <> ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int, false)
$$;

-- The shape of FormationView: what a keeper's plugin compares its node with.
CREATE FUNCTION pgautofailover.formation_view(formation_id text DEFAULT 'default') RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object(
    'formation', f.formationid, 'kind', f.kind, 'dbname', f.dbname,
    'groups', coalesce((
      SELECT jsonb_agg(jsonb_build_object(
        'group', g.groupid, 'epoch', g.epoch, 'leader', g.leader, 'memory', g.memory,
        'restored', pgautofailover_private.is_doubted(g.believed_in_term, s) OR EXISTS (
          SELECT FROM pgautofailover.node n WHERE n.formationid = g.formationid AND n.groupid = g.groupid
             AND (n.facts ->> 'epoch')::bigint > g.epoch),
        'nodes', coalesce((
          SELECT jsonb_agg(jsonb_build_object(
            'id', n.nodeid, 'name', n.nodename, 'host', n.nodehost, 'port', n.nodeport, 'role', n.role,
            'cluster', n.nodecluster, 'reported', n.reportedstate, 'goal', n.goalstate,
            'said', coalesce(n.facts -> 'said', '{}')
          ) ORDER BY n.nodeid)
          FROM pgautofailover.node n WHERE n.formationid = g.formationid AND n.groupid = g.groupid
        ), '[]')
      ) ORDER BY g.groupid)
      FROM pgautofailover.group_state g, pgautofailover.service s WHERE g.formationid = f.formationid
    ), '[]')
  )
  FROM pgautofailover.formation f WHERE f.formationid = $1
$$;
`;
