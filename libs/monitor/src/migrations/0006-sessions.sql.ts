/** How a keeper's session begins. Immutable once released. */
export const sql = /* sql */ `
CREATE FUNCTION pgautofailover_private.take_session(node_id bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF coalesce(current_setting('pgautofailover.session_start', true), '') = '' THEN
    PERFORM pgautofailover_private.remember_session_start();
  END IF;
  UPDATE pgautofailover.node n SET
    sessionpid = pg_backend_pid(),
    sessionstart = 'epoch'::timestamptz
      + current_setting('pgautofailover.session_start')::float8 * interval '1 microsecond'
  WHERE n.nodeid = node_id;
  -- Of an unknown node nothing is kept: its report says so.
  IF FOUND THEN
    PERFORM set_config('pgautofailover.session_of', node_id::text, false);
  END IF;
END
$$;

-- What a keeper calls, and waits for, before its first report over a session. It has given up all its sessions before by
-- then, so whatever still comes over them is of the past, and take_report refuses it: also the first report of a session,
-- since no report was sent over a session that had not begun. A beginning that comes late itself is followed by nothing; the
-- keeper's next report is refused, and its next session begins.
-- A keeper that knows of no beginnings begins with its first report.
CREATE FUNCTION pgautofailover.begin_session(node_id bigint) RETURNS void
-- Without a SET clause, as node_active.
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
  PERFORM pg_catalog.set_config('synchronous_commit', 'off', true);
  PERFORM pgautofailover_private.take_session(node_id);
END
$$;
`;
