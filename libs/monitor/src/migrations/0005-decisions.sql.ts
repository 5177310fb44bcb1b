/** What the service writes: one function per kind of row it changes. Immutable once released. */
export const sql = /* sql */ `
-- Gives a node its goal: the row, its event and its notification.
CREATE FUNCTION pgautofailover_private.assign_goal(
  id bigint, goal pgautofailover.replication_state, because text, rule text
)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  node pgautofailover.node;
BEGIN
  UPDATE pgautofailover.node SET
    goalstate = goal, statechangetime = clock_timestamp(),
    goalrule = rule, goalbecause = because, goaltime = clock_timestamp()
  WHERE nodeid = id
  RETURNING * INTO node;
  IF FOUND THEN
    PERFORM pgautofailover_private.announce(node, because, rule);
  END IF;
END
$$;

-- What an operator chose for a node: an event for each value that is another one now.
CREATE FUNCTION pgautofailover_private.set_node_settings(id bigint, priority int, quorum bool, place text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  before pgautofailover.node;
  node pgautofailover.node;
  sentence text;
BEGIN
  SELECT * INTO before FROM pgautofailover.node WHERE nodeid = id FOR NO KEY UPDATE;
  UPDATE pgautofailover.node n SET
    candidatepriority = coalesce(priority, n.candidatepriority),
    replicationquorum = coalesce(quorum, n.replicationquorum),
    region = coalesce(place, n.region)
  WHERE n.nodeid = id
  RETURNING * INTO node;
  FOR sentence IN
    SELECT format('Setting %s of %s to %s, from %s', what, pgautofailover_private.designation(node), is_now, was)
      FROM (VALUES
        ('candidate priority', before.candidatepriority::text, node.candidatepriority::text),
        ('replication quorum', before.replicationquorum::text, node.replicationquorum::text),
        ('region', before.region, node.region)) AS value(what, was, is_now)
     WHERE was <> is_now
  LOOP
    PERFORM pgautofailover_private.announce(node, sentence, 'operator.settings');
  END LOOP;
END
$$;

-- The group's own row; made when it is not there yet.
CREATE FUNCTION pgautofailover_private.write_group(formation_id text, group_id int, columns jsonb) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO pgautofailover.group_state
    (formationid, groupid, epoch, leader, settings_in_force, lineage, switchover_target, switchover_forced,
     wal_source, believed_in_term, memory, waiting)
  SELECT $1, $2, c.epoch, c.leader, c.settings_in_force, c.lineage, c.switchover_target, c.switchover_forced,
         c.wal_source, CASE WHEN c.restored THEN 0 ELSE s.term END, c.memory, c.waiting
    FROM jsonb_to_record($3) AS c (epoch bigint, leader bigint, settings_in_force jsonb, lineage jsonb,
                                   switchover_target bigint, switchover_forced bool, wal_source bigint,
                                   restored bool, memory jsonb, waiting text[]),
         pgautofailover.service s
  ON CONFLICT (formationid, groupid) DO UPDATE SET
    epoch = excluded.epoch, leader = excluded.leader, settings_in_force = excluded.settings_in_force,
    lineage = excluded.lineage, switchover_target = excluded.switchover_target,
    switchover_forced = excluded.switchover_forced, wal_source = excluded.wal_source,
    believed_in_term = excluded.believed_in_term, memory = excluded.memory, waiting = excluded.waiting
$$;

-- Writes what was decided for a group, all in one call: each round trip of the service has to wait for its turn among all
-- the sessions that woke at the notification before.
--   unheard         [{id, serial}]             nodes that must not have reported since, and may not until the commit
--   nodeSettings    [{id, priority, quorum}]   what an operator changed
--   transitions     [{node, goal, because, rule}]
--   removed         [id]
--   numberSyncStandbys                         of the formation; absent when it stays
--   row             the group's own columns, waiting as text; absent when they stay
-- PA002: the term is over; PA003: a node has reported.
CREATE FUNCTION pgautofailover_private.write_decision(
  my_term bigint, formation_id text, group_id int, decision jsonb
)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  heard bigint;
  each jsonb;
BEGIN
  PERFORM FROM pgautofailover.service WHERE term = my_term FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the term % is over', my_term USING ERRCODE = 'PA002';
  END IF;

  IF decision ? 'unheard' THEN
    PERFORM FROM pgautofailover.node
      WHERE nodeid IN (SELECT id FROM jsonb_to_recordset(decision -> 'unheard') AS u (id bigint))
      ORDER BY nodeid FOR UPDATE;
    SELECT n.nodeid INTO heard
      FROM jsonb_to_recordset(decision -> 'unheard') AS u (id bigint, serial bigint)
      JOIN pgautofailover.node n ON n.nodeid = u.id AND n.reportserial IS DISTINCT FROM u.serial LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'node % has reported since the snapshot was taken', heard USING ERRCODE = 'PA003';
    END IF;
  END IF;

  FOR each IN SELECT * FROM jsonb_array_elements(decision -> 'nodeSettings') LOOP
    PERFORM pgautofailover_private.set_node_settings(
      (each ->> 'id')::bigint, (each ->> 'priority')::int, (each ->> 'quorum')::bool);
  END LOOP;
  FOR each IN SELECT * FROM jsonb_array_elements(decision -> 'transitions') LOOP
    PERFORM pgautofailover_private.assign_goal((each ->> 'node')::bigint,
      (each ->> 'goal')::pgautofailover.replication_state, each ->> 'because', each ->> 'rule');
  END LOOP;
  IF decision ? 'removed' THEN
    DELETE FROM pgautofailover.node
      WHERE nodeid IN (SELECT id::bigint FROM jsonb_array_elements_text(decision -> 'removed') AS r (id));
  END IF;
  IF decision ? 'numberSyncStandbys' THEN
    UPDATE pgautofailover.formation SET number_sync_standbys = (decision ->> 'numberSyncStandbys')::int
      WHERE formationid = formation_id;
  END IF;
  IF decision ? 'row' THEN
    PERFORM pgautofailover_private.write_group(formation_id, group_id, decision -> 'row');
  END IF;
END
$$;

-- Says whether an operator works on a node by hand. False when that is known already.
CREATE FUNCTION pgautofailover_private.set_paused(id bigint, now_paused bool) RETURNS bool
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  node pgautofailover.node;
BEGIN
  UPDATE pgautofailover.node SET paused = now_paused WHERE nodeid = id AND paused <> now_paused
  RETURNING * INTO node;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM pgautofailover_private.announce(node, format('The operator %s %s',
    CASE WHEN now_paused THEN 'paused' ELSE 'resumed' END, pgautofailover_private.designation(node)),
    CASE WHEN now_paused THEN 'operator.pause' ELSE 'operator.resume' END);
  RETURN true;
END
$$;

-- Records why a health check told nothing; nothing is decided by it.
CREATE FUNCTION pgautofailover_private.record_unknown_health(id bigint, problem text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
  UPDATE pgautofailover.node SET healthproblem = problem WHERE nodeid = id
$$;

-- Records what a health check saw. A flip is news for the decisions and for everybody who listens.
CREATE FUNCTION pgautofailover_private.record_health(id bigint, seen int, was_refused bool) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  before pgautofailover.node;
  node pgautofailover.node;
BEGIN
  SELECT * INTO before FROM pgautofailover.node WHERE nodeid = id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE pgautofailover.node n SET
    health = seen,
    healthrefused = was_refused,
    healthproblem = NULL,
    healthchecktime = clock_timestamp(),
    healthsince = CASE n.health WHEN seen THEN n.healthsince ELSE clock_timestamp() END
  WHERE n.nodeid = id
  RETURNING * INTO node;
  IF node.health <> before.health THEN
    PERFORM pgautofailover_private.announce(node, format('%s is marked as %s by the monitor',
      initcap(left(pgautofailover_private.designation(node), 1))
        || substr(pgautofailover_private.designation(node), 2),
      CASE seen WHEN 1 THEN 'healthy' ELSE 'unhealthy' END));
  END IF;
END
$$;
`;
