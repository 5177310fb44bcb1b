/**
 * What operators and keepers ask of the formation: rows in `command`, decided by the service. A new command is
 * one small function here over `submit`, and one handler in the service. Immutable once released.
 */
export const sql = /* sql */ `
-- The key of the advisory lock that the service holds for as long as it runs; the service has the same pair.
CREATE FUNCTION pgautofailover_private.service_is_running() RETURNS bool
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND classid = 1885823334 AND objid = 1 AND objsubid = 2 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  )
$$;

CREATE FUNCTION pgautofailover_private.self_conninfo() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('host=%s port=%s dbname=%s user=%s application_name=pgaf_command connect_timeout=2',
    quote_literal(trim(split_part(current_setting('unix_socket_directories'), ',', 1))), current_setting('port'),
    quote_literal(current_database()), quote_literal(current_user))
$$;

CREATE FUNCTION pgautofailover_private.insert_command(
  id bigint, command_kind text, formation_id text, group_id int, command_arguments jsonb,
  requester text, requester_addr inet, time_to_answer interval
)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO pgautofailover.command
    (commandid, kind, formationid, groupid, arguments, requested_by, client_addr, requested_at, deadline)
  VALUES
    (id, command_kind, formation_id, group_id, command_arguments, requester, requester_addr, clock_timestamp(),
     clock_timestamp() + time_to_answer);
  PERFORM pg_notify('inbox', 'command ' || id);
END
$$;

-- True when the command was withdrawn before anyone took it.
CREATE FUNCTION pgautofailover_private.withdraw_command(id bigint) RETURNS bool
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE pgautofailover.command SET status = 'withdrawn', answered_at = clock_timestamp()
  WHERE commandid = id AND status = 'new';
  RETURN FOUND;
END
$$;

-- Submits a command and waits for its answer. The row is written and every look at it is taken in
-- transactions of their own, through dblink: this one may have a snapshot older than the answer.
CREATE FUNCTION pgautofailover_private.submit(
  command_kind text, formation_id text, group_id int, command_arguments jsonb,
  time_to_answer interval DEFAULT '10 s'
)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  connection CONSTANT text := 'pgaf_command';
  deadline CONSTANT timestamptz := clock_timestamp() + time_to_answer;
  -- Known here before the row is written: a caller that is cancelled once the row stands, and before this transaction
  -- was told so, withdraws it all the same.
  id CONSTANT bigint := nextval('pgautofailover.command_commandid_seq');
  served bool;
  found record;
  pause float8 := 0.002;
  withdrawn bool;
BEGIN
  IF connection = ANY (pgautofailover_private.dblink_get_connections()) THEN
    PERFORM pgautofailover_private.dblink_disconnect(connection);
  END IF;
  PERFORM pgautofailover_private.dblink_connect(connection, pgautofailover_private.self_conninfo());

  SELECT s INTO served FROM pgautofailover_private.dblink(connection, format(
    'SELECT running, CASE WHEN running THEN pgautofailover_private.insert_command(%s, %L, %L, %L, %L, %L, %L, %L) END '
    'FROM pgautofailover_private.service_is_running() AS running',
    id, command_kind, formation_id, group_id, command_arguments, session_user, inet_client_addr(), time_to_answer
  )) AS t(s bool, inserted text);
  IF NOT served THEN
    RAISE EXCEPTION 'the monitor service is not running, so nothing can be decided'
      USING ERRCODE = '57P03', HINT = 'Start it on the monitor with: pgaf run --pgdata <directory of the monitor>';
  END IF;

  LOOP
    PERFORM pg_sleep(pause);
    pause := least(pause * 1.3, 0.05);
    SELECT * INTO found FROM pgautofailover_private.dblink(connection, format(
      'SELECT status, answer, sqlstate, message, detail, hint, pgautofailover_private.service_is_running() '
      'FROM pgautofailover.command WHERE commandid = %s', id
    )) AS t(status text, answer jsonb, sqlstate text, message text, detail text, hint text, served bool);

    EXIT WHEN found.status IN ('done', 'refused');
    IF NOT found.served OR clock_timestamp() > deadline THEN
      SELECT w INTO withdrawn FROM pgautofailover_private.dblink(connection,
        format('SELECT pgautofailover_private.withdraw_command(%s)', id)) AS t(w bool);
      -- Not withdrawn: it was taken in the meantime, and may even be answered by now.
      IF withdrawn OR found.status = 'running' THEN
        EXIT;
      END IF;
    END IF;
  END LOOP;
  PERFORM pgautofailover_private.dblink_disconnect(connection);

  IF found.status = 'done' THEN
    RETURN found.answer;
  ELSIF found.status = 'refused' AND found.detail IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = found.sqlstate, MESSAGE = found.message, HINT = coalesce(found.hint, '');
  ELSIF found.status = 'refused' THEN
    RAISE EXCEPTION USING
      ERRCODE = found.sqlstate, MESSAGE = found.message, DETAIL = found.detail, HINT = coalesce(found.hint, '');
  ELSIF withdrawn THEN
    RAISE EXCEPTION 'the monitor service did not take the command %, which is withdrawn', command_kind
      USING ERRCODE = '57P03', HINT = 'See the log of the monitor: it names what holds the service up.';
  ELSE
    RAISE EXCEPTION 'the command % is under way and has not been answered yet', command_kind
      USING ERRCODE = 'PA001', HINT = format('Its answer will stand in pgautofailover.command, commandid %s.', id);
  END IF;
EXCEPTION WHEN query_canceled OR OTHERS THEN
  IF connection = ANY (pgautofailover_private.dblink_get_connections()) THEN
    PERFORM FROM pgautofailover_private.dblink(connection,
      format('SELECT pgautofailover_private.withdraw_command(%s)', id)) AS t(w bool);
    PERFORM pgautofailover_private.dblink_disconnect(connection);
  END IF;
  RAISE;
END
$$;

CREATE FUNCTION pgautofailover.register_node(
  formation_id text, node_host text, node_port int, dbname name,
  node_name text DEFAULT '', sysidentifier bigint DEFAULT 0, desired_node_id bigint DEFAULT -1,
  desired_group_id int DEFAULT -1, initial_group_role pgautofailover.replication_state DEFAULT 'init',
  node_kind text DEFAULT 'standalone', candidate_priority int DEFAULT 100, replication_quorum bool DEFAULT true,
  node_cluster text DEFAULT 'default', node_region text DEFAULT 'default', node_role text DEFAULT '',
  OUT assigned_node_id bigint, OUT assigned_group_id int,
  OUT assigned_group_state pgautofailover.replication_state, OUT assigned_candidate_priority int,
  OUT assigned_replication_quorum bool, OUT assigned_node_name text
)
LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  answer jsonb;
BEGIN
  -- The system identifier travels as text: a JSON number loses its last digits in JavaScript.
  answer := pgautofailover_private.submit('register_node', formation_id, nullif(desired_group_id, -1),
    jsonb_build_object(
      'host', node_host, 'port', node_port, 'dbname', dbname, 'name', node_name,
      'sysidentifier', sysidentifier::text, 'nodeId', nullif(desired_node_id, -1),
      'group', nullif(desired_group_id, -1), 'initialState', initial_group_role, 'kind', node_kind,
      'candidatePriority', candidate_priority, 'quorum', replication_quorum, 'cluster', node_cluster,
      'region', node_region, 'role', node_role));
  assigned_node_id := (answer ->> 'nodeId')::bigint;
  assigned_group_id := (answer ->> 'group')::int;
  assigned_group_state := (answer ->> 'goal')::pgautofailover.replication_state;
  assigned_candidate_priority := (answer ->> 'candidatePriority')::int;
  assigned_replication_quorum := (answer ->> 'quorum')::bool;
  assigned_node_name := answer ->> 'name';
END
$$;

CREATE FUNCTION pgautofailover_private.registered_node(id bigint) RETURNS pgautofailover.node
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  node pgautofailover.node;
BEGIN
  SELECT * INTO node FROM pgautofailover.node WHERE nodeid = id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no node with id % is registered at this monitor', id
      USING ERRCODE = 'undefined_object', HINT = 'See pgaf show state for the nodes that there are.';
  END IF;
  RETURN node;
END
$$;

CREATE FUNCTION pgautofailover_private.node_named(formation_id text, node_name text) RETURNS pgautofailover.node
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  node pgautofailover.node;
BEGIN
  SELECT * INTO node FROM pgautofailover.node n WHERE n.formationid = formation_id AND n.nodename = node_name;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'formation "%" has no node named "%"', formation_id, node_name
      USING ERRCODE = 'undefined_object', HINT = 'See pgaf show state for the nodes that there are.';
  END IF;
  RETURN node;
END
$$;

CREATE FUNCTION pgautofailover_private.given(value anyelement, name text) RETURNS anyelement
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF value IS NULL THEN
    RAISE EXCEPTION '% must not be NULL', name
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Give it a value.';
  END IF;
  RETURN value;
END
$$;

-- Of an answer that has more to say: says it, and leaves the result.
CREATE FUNCTION pgautofailover_private.result_of(answer jsonb) RETURNS bool
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF answer ? 'notice' THEN
    RAISE NOTICE '%', answer ->> 'notice';
  END IF;
  RETURN answer -> 'result';
END
$$;

CREATE FUNCTION pgautofailover.remove_node(node_id bigint, force bool DEFAULT false) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  node pgautofailover.node := pgautofailover_private.registered_node(node_id);
BEGIN
  RETURN pgautofailover_private.result_of(pgautofailover_private.submit('remove_node', node.formationid, node.groupid,
    jsonb_build_object('nodeId', node_id, 'force', coalesce(force, false))));
END
$$;

CREATE FUNCTION pgautofailover.remove_node(node_host text, node_port int DEFAULT 5432, force bool DEFAULT false)
RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  id bigint;
BEGIN
  SELECT nodeid INTO id FROM pgautofailover.node WHERE nodehost = node_host AND nodeport = node_port;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no node at %:% is registered at this monitor', node_host, node_port
      USING ERRCODE = 'undefined_object', HINT = 'See pgaf show state for the nodes that there are.';
  END IF;
  RETURN pgautofailover.remove_node(id, force);
END
$$;

-- The caller's setting, as in the reference: SET LOCAL pgautofailover.guard_data_loss TO off
CREATE FUNCTION pgautofailover_private.data_loss_allowed() RETURNS bool
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT NOT coalesce(nullif(current_setting('pgautofailover.guard_data_loss', true), '')::bool, true) $$;

-- By force what would have it given up, such as a client's transaction, may be ended for it.
CREATE FUNCTION pgautofailover.perform_failover(
  formation_id text DEFAULT 'default', group_id int DEFAULT 0, force bool DEFAULT false
)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM pgautofailover_private.submit('perform_failover',
    pgautofailover_private.given(formation_id, 'formation_id'), pgautofailover_private.given(group_id, 'group_id'),
    jsonb_build_object('allowDataLoss', pgautofailover_private.data_loss_allowed(), 'force', coalesce(force, false)));
END
$$;

CREATE FUNCTION pgautofailover.perform_promotion(formation_id text, node_name text, force bool DEFAULT false)
RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  node pgautofailover.node := pgautofailover_private.node_named(formation_id, node_name);
BEGIN
  RETURN pgautofailover_private.result_of(pgautofailover_private.submit('perform_promotion', formation_id,
    node.groupid, jsonb_build_object('name', node_name, 'force', coalesce(force, false))));
END
$$;

-- False when there is no such node, as in the reference.
CREATE FUNCTION pgautofailover_private.submit_maintenance(command_kind text, id bigint) RETURNS bool
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  node pgautofailover.node;
BEGIN
  SELECT * INTO node FROM pgautofailover.node WHERE nodeid = id;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  RETURN pgautofailover_private.result_of(pgautofailover_private.submit(command_kind, node.formationid,
    node.groupid, jsonb_build_object('nodeId', id)));
END
$$;

CREATE FUNCTION pgautofailover.start_maintenance(node_id bigint) RETURNS bool
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT pgautofailover_private.submit_maintenance('start_maintenance', node_id) $$;

CREATE FUNCTION pgautofailover.stop_maintenance(node_id bigint) RETURNS bool
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT pgautofailover_private.submit_maintenance('stop_maintenance', node_id) $$;

CREATE FUNCTION pgautofailover.accept_timeline(
  formation_id text, group_id int, target_tli int, decided_by text DEFAULT NULL
)
RETURNS bool
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT pgautofailover_private.result_of(pgautofailover_private.submit('accept_timeline',
    pgautofailover_private.given(formation_id, 'formation_id'), pgautofailover_private.given(group_id, 'group_id'),
    jsonb_build_object('tli', pgautofailover_private.given(target_tli, 'target_tli'), 'by', decided_by)))
$$;

CREATE FUNCTION pgautofailover.set_node_candidate_priority(
  formation_id text, node_name text, candidate_priority int
)
RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  node pgautofailover.node := pgautofailover_private.node_named(formation_id, node_name);
BEGIN
  RETURN pgautofailover_private.result_of(pgautofailover_private.submit('set_node_candidate_priority', formation_id,
    node.groupid, jsonb_build_object('name', node_name, 'priority', pgautofailover_private.given(candidate_priority, 'candidate_priority'))));
END
$$;

CREATE FUNCTION pgautofailover.set_node_replication_quorum(
  formation_id text, node_name text, replication_quorum bool
)
RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  node pgautofailover.node := pgautofailover_private.node_named(formation_id, node_name);
BEGIN
  RETURN pgautofailover_private.result_of(pgautofailover_private.submit('set_node_replication_quorum', formation_id,
    node.groupid, jsonb_build_object('name', node_name, 'quorum', pgautofailover_private.given(replication_quorum, 'replication_quorum'))));
END
$$;

CREATE FUNCTION pgautofailover.set_node_region(formation_id text, node_name text, region text) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  node pgautofailover.node := pgautofailover_private.node_named(formation_id, node_name);
BEGIN
  RETURN pgautofailover_private.result_of(pgautofailover_private.submit('set_node_region', formation_id,
    node.groupid, jsonb_build_object('nodeId', node.nodeid, 'region', region)));
END
$$;

CREATE FUNCTION pgautofailover.set_formation_number_sync_standbys(formation_id text, number_sync_standbys int)
RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN pgautofailover_private.result_of(pgautofailover_private.submit('set_formation_number_sync_standbys',
    formation_id, NULL, jsonb_build_object('number',
      pgautofailover_private.given(number_sync_standbys, 'number_sync_standbys'))));
END
$$;

CREATE FUNCTION pgautofailover.set_formation_partition_policy(formation_id text, partition_policy text)
RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN pgautofailover_private.result_of(pgautofailover_private.submit('set_formation_partition_policy',
    formation_id, NULL, jsonb_build_object('policy',
      pgautofailover_private.given(partition_policy, 'partition_policy'))));
END
$$;

-- Why each group is as it is, and what would become of it: an array, in the order of their numbers. The service says so,
-- because it is what would decide.
CREATE FUNCTION pgautofailover.explain(formation_id text DEFAULT 'default', group_id int DEFAULT NULL) RETURNS jsonb
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT pgautofailover_private.submit('explain', formation_id, group_id, '{}') $$;

-- The whole formation, or one group or one node of it. One row for each node that it is about.
CREATE FUNCTION pgautofailover.pause_nodes(
  formation_id text, group_id int DEFAULT NULL, node_name text DEFAULT NULL,
  OUT node_id bigint, OUT name text, OUT changed bool
)
RETURNS SETOF record
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT node."id", node."name", node."changed"
  FROM jsonb_to_recordset(pgautofailover_private.submit('pause_nodes', formation_id, group_id,
    jsonb_build_object('name', node_name))) AS node(id bigint, name text, changed bool)
$$;

CREATE FUNCTION pgautofailover.resume_nodes(
  formation_id text, group_id int DEFAULT NULL, node_name text DEFAULT NULL,
  OUT node_id bigint, OUT name text, OUT changed bool
)
RETURNS SETOF record
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT node."id", node."name", node."changed"
  FROM jsonb_to_recordset(pgautofailover_private.submit('resume_nodes', formation_id, group_id,
    jsonb_build_object('name', node_name))) AS node(id bigint, name text, changed bool)
$$;

CREATE FUNCTION pgautofailover.create_formation(
  formation_id text, kind text, dbname name, opt_secondary bool, number_sync_standbys int
)
RETURNS pgautofailover.formation
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  created pgautofailover.formation;
BEGIN
  PERFORM pgautofailover_private.submit('create_formation',
    pgautofailover_private.given(formation_id, 'formation_id'), NULL,
    jsonb_build_object('kind', kind, 'dbname', pgautofailover_private.given(dbname, 'dbname'),
                       'secondary', pgautofailover_private.given(opt_secondary, 'opt_secondary'),
                       'numberSyncStandbys', number_sync_standbys));
  -- The row is newer than this transaction's snapshot may be, so it is not read but made again.
  SELECT formation_id, create_formation.kind, create_formation.dbname, create_formation.opt_secondary,
         create_formation.number_sync_standbys, 'availability', 0
  INTO created;
  RETURN created;
END
$$;

CREATE FUNCTION pgautofailover.drop_formation(formation_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM pgautofailover_private.submit('drop_formation',
    pgautofailover_private.given(formation_id, 'formation_id'), NULL, '{}');
END
$$;

CREATE FUNCTION pgautofailover.enable_secondary(formation_id text) RETURNS bool
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT pgautofailover_private.result_of(
    pgautofailover_private.submit('enable_secondary',
    pgautofailover_private.given(formation_id, 'formation_id'), NULL, '{}'))
$$;

CREATE FUNCTION pgautofailover.disable_secondary(formation_id text) RETURNS bool
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT pgautofailover_private.result_of(
    pgautofailover_private.submit('disable_secondary',
    pgautofailover_private.given(formation_id, 'formation_id'), NULL, '{}'))
$$;

CREATE FUNCTION pgautofailover.update_node_metadata(node_id bigint, node_name text, node_host text, node_port int)
RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  node pgautofailover.node := pgautofailover_private.registered_node(node_id);
BEGIN
  RETURN pgautofailover_private.submit('update_node_metadata', node.formationid, node.groupid,
    jsonb_build_object('nodeId', node_id, 'name', node_name, 'host', node_host, 'port', node_port)) -> 'result';
END
$$;
`;
