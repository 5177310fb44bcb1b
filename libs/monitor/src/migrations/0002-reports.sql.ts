/** What keepers call: reports, and what they must publish about their node. Immutable once released. */
export const sql = /* sql */ `
CREATE FUNCTION pgautofailover_private.designation(node pgautofailover.node) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('node %s "%s" (%s:%s)', (node).nodeid, (node).nodename,
    CASE WHEN (node).nodehost LIKE '%:%' THEN format('[%s]', (node).nodehost) ELSE (node).nodehost END, (node).nodeport)
$$;

-- Key order and blanks are part of the interface: clients of the reference parse this text.
CREATE FUNCTION pgautofailover_private.state_payload(node pgautofailover.node) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT '{"type": "state"'
    || ', "formation": ' || to_json((node).formationid)
    || ', "groupId": ' || (node).groupid
    || ', "nodeId": ' || (node).nodeid
    || ', "name": ' || to_json((node).nodename)
    || ', "host": ' || to_json((node).nodehost)
    || ', "port": ' || (node).nodeport
    || ', "reportedState": "' || (node).reportedstate || '"'
    || ', "goalState": "' || (node).goalstate || '"'
    || ', "health":"' || CASE (node).health WHEN 1 THEN 'good' WHEN 0 THEN 'bad' ELSE 'unknown' END || '"}'
$$;

-- The channel that the keepers of a formation listen on. All who listen in a database wake at each notification, but
-- only those of its channel hand it on to their clients.
CREATE FUNCTION pgautofailover_private.channel_of(formation_id text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT 'formation_' || left(encode(sha256(convert_to(formation_id, 'UTF8')), 'hex'), 32) $$;

-- One event row and one notification, on the public channel and on the formation's: never the one without the other.
CREATE FUNCTION pgautofailover_private.announce(node pgautofailover.node, description text, rule text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO pgautofailover.event
    (eventtime, formationid, nodeid, groupid, nodename, nodehost, nodeport, reportedstate, goalstate,
     reportedrepstate, reportedtli, reportedlsn, candidatepriority, replicationquorum, description, rule)
  VALUES
    (clock_timestamp(), node.formationid, node.nodeid, node.groupid, node.nodename, node.nodehost, node.nodeport,
     node.reportedstate, node.goalstate, node.reportedrepstate, node.reportedtli, node.reportedlsn,
     node.candidatepriority, node.replicationquorum, description, rule);
  PERFORM pg_notify(channel, payload)
     FROM (SELECT pgautofailover_private.state_payload(node) AS payload) AS news,
          unnest(ARRAY['state', pgautofailover_private.channel_of(node.formationid)]) AS channel;
END
$$;

-- One event for each warning that came or went.
CREATE FUNCTION pgautofailover_private.announce_warnings(node pgautofailover.node, before jsonb, now jsonb)
RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
  WITH was AS (SELECT jsonb_array_elements_text(coalesce(before, '[]')) AS warning),
       is_now AS (SELECT jsonb_array_elements_text(coalesce(now, '[]')) AS warning)
  SELECT pgautofailover_private.announce(node, format(sentence, pgautofailover_private.designation(node), warning))
    FROM (SELECT 'Warning of %s: %s' AS sentence, warning FROM (TABLE is_now EXCEPT TABLE was) AS added
          UNION ALL
          SELECT 'Warning of %s is over: %s', warning FROM (TABLE was EXCEPT TABLE is_now) AS gone) AS changes
$$;

-- When this session began, as pg_stat_activity has it, in microseconds since 1970. To look costs as much as there are
-- sessions, so it is remembered for as long as the session lasts, and so is the system, which is read from a file.
CREATE FUNCTION pgautofailover_private.remember_session_start() RETURNS text
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
  SELECT set_config('pgautofailover.system_identifier', system_identifier::text, false) FROM pg_control_system();
  SELECT set_config('pgautofailover.session_start', ((extract(epoch FROM a.backend_start) * 1000000)::bigint)::text, false)
    FROM pg_stat_get_activity(pg_backend_pid()) a
$$;

-- Whoever changes what the keepers of a group are told changes \`told\` of all its nodes, in the same transaction: a report
-- sees by its own row alone whether its keeper knows everything. Not so for what another node of the group reports: a report
-- locks no row but its own, and its keeper's news are announced. The columns are those of the assignment in take_report.
-- After the update: a trigger before it would have each report lock its row once more.
CREATE FUNCTION pgautofailover_private.tell_group() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  formation_id text := CASE TG_OP WHEN 'DELETE' THEN OLD.formationid ELSE NEW.formationid END;
  group_id int := CASE TG_OP WHEN 'DELETE' THEN OLD.groupid ELSE NEW.groupid END;
BEGIN
  UPDATE pgautofailover.node n SET told = DEFAULT WHERE n.formationid = formation_id AND n.groupid = group_id;
  RETURN NULL;
END
$$;

CREATE TRIGGER tell_group_of_member AFTER INSERT OR DELETE ON pgautofailover.node
  FOR EACH ROW EXECUTE FUNCTION pgautofailover_private.tell_group();
CREATE TRIGGER tell_group_of_change
  AFTER UPDATE OF nodename, nodehost, nodeport, role, nodecluster, goalstate, candidatepriority, replicationquorum, paused
  ON pgautofailover.node FOR EACH ROW EXECUTE FUNCTION pgautofailover_private.tell_group();
CREATE TRIGGER tell_group AFTER INSERT OR DELETE ON pgautofailover.group_state
  FOR EACH ROW EXECUTE FUNCTION pgautofailover_private.tell_group();
CREATE TRIGGER tell_group_of_change AFTER UPDATE ON pgautofailover.group_state FOR EACH ROW
  WHEN ((OLD.epoch, OLD.leader, OLD.settings_in_force, OLD.lineage, OLD.switchover_target, OLD.switchover_forced, OLD.wal_source,
         OLD.believed_in_term, OLD.memory)
    IS DISTINCT FROM (NEW.epoch, NEW.leader, NEW.settings_in_force, NEW.lineage, NEW.switchover_target, NEW.switchover_forced,
         NEW.wal_source, NEW.believed_in_term, NEW.memory))
  EXECUTE FUNCTION pgautofailover_private.tell_group();

CREATE FUNCTION pgautofailover_private.tell_formation() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE pgautofailover.node n SET told = DEFAULT WHERE n.formationid = NEW.formationid;
  RETURN NULL;
END
$$;

CREATE TRIGGER tell_formation_of_change AFTER UPDATE OF kind, dbname ON pgautofailover.formation
  FOR EACH ROW EXECUTE FUNCTION pgautofailover_private.tell_formation();

-- The states in which the position itself is what the monitor waits for.
CREATE FUNCTION pgautofailover_private.catching_up() RETURNS pgautofailover.replication_state[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT '{catchingup,join_secondary,wait_standby,prepare_promotion,report_lsn,fast_forward,draining,prepare_maintenance}'::
    pgautofailover.replication_state[]
$$;

-- What a keeper is told. The assignment is what it must know of its group: JSON, put together as text, which takes half as
-- long as the functions for it. Its version is NULL while there is none.
CREATE TYPE pgautofailover_private.report_answer AS (
  group_id int, goal pgautofailover.replication_state, candidate_priority int, replication_quorum bool, assignment json,
  version bigint
);

CREATE FUNCTION pgautofailover_private.take_report(
  formation_id text,
  node_id bigint,
  current_group_role pgautofailover.replication_state,
  current_pg_is_running bool,
  current_tli int,
  current_lsn pg_lsn,
  current_rep_state text,
  facts jsonb
)
RETURNS pgautofailover_private.report_answer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- What changes with each report, or matters to people only.
  not_news CONSTANT text[] := '{waitingFor,warnings,quietFor,said}';
  before pgautofailover.node;
  node pgautofailover.node;
  session_start text := current_setting('pgautofailover.session_start', true);
  answer pgautofailover_private.report_answer;
BEGIN
  IF current_rep_state NOT IN ('', 'unknown', 'sync', 'async', 'quorum', 'potential') THEN
    RAISE EXCEPTION 'unknown replication state "%"', current_rep_state
      USING ERRCODE = 'invalid_parameter_value';
  END IF;

  -- Not locked: what is compared with it, only the reports of this node change.
  SELECT * INTO before FROM pgautofailover.node n WHERE n.nodeid = node_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no node with id % is registered at this monitor', node_id
      USING ERRCODE = 'undefined_object',
            HINT = 'The node was dropped. Create it again, or remove it here with: pgaf drop node --destroy';
  END IF;
  IF before.formationid <> formation_id THEN
    RAISE EXCEPTION 'node % belongs to formation "%", not to "%"', node_id, before.formationid, formation_id
      USING ERRCODE = 'invalid_object_definition';
  END IF;

  IF before.sysidentifier IS NULL
    AND current_group_role NOT IN ('init', 'wait_standby', 'catchingup', 'dropped')
  THEN
    RAISE EXCEPTION 'node % is "%" and has no system identifier', node_id, current_group_role
      USING ERRCODE = 'check_violation', CONSTRAINT = 'system_identifier_is_null_at_init_only';
  END IF;
  IF current_tli < 0 THEN
    RAISE EXCEPTION 'there is no timeline %', current_tli USING ERRCODE = 'check_violation';
  END IF;

  IF coalesce(session_start, '') = '' THEN
    session_start := pgautofailover_private.remember_session_start();
  END IF;

  UPDATE pgautofailover.node n SET
    reportedstate = current_group_role,
    reporttime = clock_timestamp(),
    reportedpgisrunning = current_pg_is_running,
    reportedrepstate = CASE current_rep_state WHEN '' THEN 'unknown' ELSE current_rep_state END,
    reportedtli = CASE current_tli WHEN 0 THEN n.reportedtli ELSE current_tli END,
    reportedlsn = CASE current_lsn WHEN '0/0' THEN n.reportedlsn ELSE current_lsn END,
    walreporttime = CASE current_lsn WHEN '0/0' THEN n.walreporttime ELSE clock_timestamp() END,
    statechangetime = CASE n.reportedstate WHEN current_group_role THEN n.statechangetime ELSE clock_timestamp() END,
    -- A keeper that has not looked yet knows of none; those that it told of last are not over.
    facts = jsonb_strip_nulls(jsonb_build_object('warnings', n.facts -> 'warnings')) || take_report.facts,
    reportserial = n.reportserial + 1,
    sessionpid = pg_backend_pid(),
    sessionstart = 'epoch'::timestamptz + session_start::float8 * interval '1 microsecond'
  -- A keeper that has a newer session has given this one up: what comes over it late, it said before.
  WHERE n.nodeid = node_id AND (n.sessionpid = pg_backend_pid()
    OR current_setting('pgautofailover.session_of', true) IS DISTINCT FROM node_id::text)
  RETURNING * INTO node;
  IF NOT FOUND THEN
    IF EXISTS (SELECT FROM pgautofailover.node n WHERE n.nodeid = node_id) THEN
      RAISE EXCEPTION 'node % has reported over another session since', node_id USING ERRCODE = 'PA004';
    END IF;
    RAISE EXCEPTION 'node % has just been removed', node_id USING ERRCODE = 'undefined_object';
  END IF;
  PERFORM set_config('pgautofailover.session_of', node_id::text, false);

  IF node.reportedstate <> before.reportedstate THEN
    PERFORM pgautofailover_private.announce(node, format('New state is reported by %s: "%s"',
      pgautofailover_private.designation(node), node.reportedstate));
  END IF;

  IF node.facts -> 'warnings' IS DISTINCT FROM before.facts -> 'warnings' THEN
    PERFORM pgautofailover_private.announce_warnings(node, before.facts -> 'warnings', node.facts -> 'warnings');
  END IF;

  -- Nothing that is decided here: the keepers of the formation look again.
  IF node.facts -> 'said' IS DISTINCT FROM before.facts -> 'said' THEN
    PERFORM pg_notify(pgautofailover_private.channel_of(node.formationid), pgautofailover_private.state_payload(node));
  END IF;

  IF node.facts ->> 'abandoned' <> coalesce(before.facts ->> 'abandoned', '') THEN
    PERFORM pgautofailover_private.announce(node, format(
      CASE node.goalstate WHEN 'dropped' THEN '%s is not dropped: %s' ELSE '%s gave the switchover up: %s' END,
      pgautofailover_private.designation(node), node.facts ->> 'abandoned'), 'keeper.giveUp');
  END IF;

  -- What an operator did while nobody could write it down.
  IF node.facts ->> 'forcedAt' <> coalesce(before.facts ->> 'forcedAt', '') THEN
    PERFORM pgautofailover_private.announce(node, format(
      '%s was opened for writes by force at %s: nobody had confirmed that it was still the primary',
      pgautofailover_private.designation(node), node.facts ->> 'forcedAt'), 'operator.force');
  END IF;

  IF node.reportedstate <> before.reportedstate
    OR node.reportedpgisrunning IS DISTINCT FROM before.reportedpgisrunning
    OR node.facts - not_news <> before.facts - not_news
    OR (node.reportedtli, node.reportedlsn) IS DISTINCT FROM (before.reportedtli, before.reportedlsn)
      AND (node.reportedstate = ANY (pgautofailover_private.catching_up())
          OR node.goalstate = ANY (pgautofailover_private.catching_up()))
  THEN
    PERFORM pg_notify('inbox', format('group %s %s', node.groupid, node.formationid));
  END IF;

  SELECT concat(
      '{"epoch":', g.epoch, ',"leader":', coalesce(g.leader::text, 'null'),
      -- Before the first term on another timeline or system nobody has looked yet.
      ',"restored":', coalesce(g.believed_in_term < s.doubted_in_term
        OR s.system_identifier <> current_setting('pgautofailover.system_identifier')::bigint
        OR s.timeline <> ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int, false)::text,
      ',"switchoverTarget":', coalesce(g.switchover_target::text, 'null'),
      ',"switchoverForced":', g.switchover_forced::text,
      ',"walSource":', coalesce(g.wal_source::text, 'null'),
      ',"setting":', coalesce((g.settings_in_force -> -1)::text, 'null'),
      ',"lineage":', g.lineage, ',"memory":', g.memory,
      ',"formation":{"id":', to_json(f.formationid), ',"kind":', to_json(f.kind), ',"dbname":', to_json(f.dbname),
      '},"nodes":[', (
        SELECT string_agg(concat(
            '{"id":', n.nodeid, ',"name":', to_json(n.nodename), ',"host":', to_json(n.nodehost),
            ',"port":', n.nodeport, ',"role":', to_json(n.role), ',"cluster":', to_json(n.nodecluster),
            ',"reported":"', n.reportedstate, '","goal":"', n.goalstate, '","tli":', n.reportedtli,
            ',"lsn":"', n.reportedlsn, '","candidatePriority":', n.candidatepriority,
            ',"quorum":', n.replicationquorum::text, ',"paused":', n.paused::text, '}'), ',' ORDER BY n.nodeid)
          FROM pgautofailover.node n
         WHERE n.formationid = g.formationid AND n.groupid = g.groupid),
      ']}'),
      -- Ours until the commit: who has changed the group meanwhile will change this number afterwards.
      (SELECT own.told FROM pgautofailover.node own WHERE own.nodeid = node_id)
    INTO answer.assignment, answer.version
    FROM pgautofailover.service s,
         pgautofailover.group_state g JOIN pgautofailover.formation f USING (formationid)
   WHERE g.formationid = node.formationid AND g.groupid = node.groupid;
  answer.group_id := node.groupid;
  answer.goal := node.goalstate;
  answer.candidate_priority := node.candidatepriority;
  answer.replication_quorum := node.replicationquorum;
  RETURN answer;
END
$$;

-- A keeper that says by \`known\` which version of the assignment it has from this session gets NULL for the assignment
-- while that is what it would be told. Where other nodes are in their WAL may have changed since.
CREATE FUNCTION pgautofailover.node_active(
  formation_id text,
  node_id bigint,
  group_id int,
  current_group_role pgautofailover.replication_state DEFAULT 'init',
  current_pg_is_running bool DEFAULT true,
  current_tli int DEFAULT 1,
  current_lsn pg_lsn DEFAULT '0/0',
  current_rep_state text DEFAULT '',
  facts jsonb DEFAULT '{}',
  known bigint DEFAULT NULL,
  OUT assigned_node_id bigint,
  OUT assigned_group_id int,
  OUT assigned_group_state pgautofailover.replication_state,
  OUT assigned_candidate_priority int,
  OUT assigned_replication_quorum bool,
  OUT assignment json,
  OUT version bigint
)
-- A function with a SET clause takes back what it has set for the transaction when it returns, before the commit.
-- So this one has none, and qualifies every name.
LANGUAGE plpgsql SECURITY DEFINER
AS $$
DECLARE
  -- Of the facts, what nobody else is told of.
  of_the_moment CONSTANT pg_catalog.text[] := '{waitingFor,quietFor}';
  answer pgautofailover_private.report_answer;
BEGIN
  -- A lost heartbeat is sent again within a second; a decision's own commit makes it durable.
  PERFORM pg_catalog.set_config('synchronous_commit', 'off', true);
  assigned_node_id := node_id;

  -- Nearly all reports: nothing has changed on either side since the last one of this session. One statement that looks at
  -- one row, so that it sees a decision that it had to wait for.
  IF pg_catalog.current_setting('pgautofailover.session_of', true) OPERATOR(pg_catalog.=) node_id::pg_catalog.text THEN
    UPDATE pgautofailover.node n SET
      reporttime = pg_catalog.clock_timestamp(),
      walreporttime = pg_catalog.clock_timestamp(),
      reportedlsn = current_lsn,
      facts = node_active.facts,
      reportserial = n.reportserial OPERATOR(pg_catalog.+) 1
    WHERE (n.nodeid, n.told, n.sessionpid, n.formationid, n.reportedstate, n.reportedpgisrunning, n.reportedtli,
           n.reportedrepstate, n.facts OPERATOR(pg_catalog.-) of_the_moment)
      OPERATOR(pg_catalog.=)
          (node_id, known, pg_catalog.pg_backend_pid(), formation_id, current_group_role, current_pg_is_running, current_tli,
           CASE WHEN current_rep_state OPERATOR(pg_catalog.=) '' THEN 'unknown' ELSE current_rep_state END,
           node_active.facts OPERATOR(pg_catalog.-) of_the_moment)
      AND current_lsn OPERATOR(pg_catalog.<>) '0/0'
      AND n.reportedstate OPERATOR(pg_catalog.<>) ALL (pgautofailover_private.catching_up())
      AND n.goalstate OPERATOR(pg_catalog.<>) ALL (pgautofailover_private.catching_up())
    RETURNING n.groupid, n.goalstate, n.candidatepriority, n.replicationquorum
      INTO assigned_group_id, assigned_group_state, assigned_candidate_priority, assigned_replication_quorum;
    IF FOUND THEN
      version := known;
      RETURN;
    END IF;
  END IF;

  answer := pgautofailover_private.take_report(formation_id, node_id, current_group_role, current_pg_is_running,
    current_tli, current_lsn, current_rep_state, facts);
  assigned_group_id := answer.group_id;
  assigned_group_state := answer.goal;
  assigned_candidate_priority := answer.candidate_priority;
  assigned_replication_quorum := answer.replication_quorum;
  assignment := answer.assignment;
  version := answer.version;
END
$$;

-- What a keeper says of the Postgres that runs there; of an unknown node nothing is kept.
CREATE FUNCTION pgautofailover.report_postgres_version(
  node_id bigint, pg_versionnum int DEFAULT NULL, pg_version text DEFAULT NULL, pg_versionstring text DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  before pgautofailover.node;
  node pgautofailover.node;
BEGIN
  SELECT * INTO before FROM pgautofailover.node n WHERE n.nodeid = $1 FOR NO KEY UPDATE;
  IF before.pg_versionstring IS NOT DISTINCT FROM $4 AND before.pg_version IS NOT DISTINCT FROM $3 THEN
    RETURN;
  END IF;
  UPDATE pgautofailover.node n SET pg_versionnum = $2, pg_version = $3, pg_versionstring = $4
   WHERE n.nodeid = $1 RETURNING * INTO node;
  IF before.pg_version <> $3 THEN
    PERFORM pgautofailover_private.announce(node, format('Postgres of %s is %s now, and was %s',
      pgautofailover_private.designation(node), $3, before.pg_version));
  END IF;
END
$$;

-- What a keeper's plugin wants people to know; of an unknown node nothing is kept.
CREATE FUNCTION pgautofailover.tell(node_id bigint, sentence text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT pgautofailover_private.announce(n, sentence) FROM pgautofailover.node n WHERE n.nodeid = node_id
$$;

-- Two nodes of a group that disagree violate same_system_identifier_within_group: 23P01.
CREATE FUNCTION pgautofailover.set_node_system_identifier(
  node_id bigint, node_sysidentifier bigint,
  OUT node_id bigint, OUT node_name text, OUT node_host text, OUT node_port int
)
RETURNS SETOF record
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  UPDATE pgautofailover.node SET sysidentifier = $2 WHERE nodeid = $1
  RETURNING nodeid, nodename, nodehost, nodeport
$$;
`;
