/** How a session that has begun is told from one over which its keeper has said something. Immutable once released. */
export const sql = /* sql */ `
-- How many reports had come when the session began; no more have while nothing was said over it. A clock would not do: the
-- times in a backup are of another machine's at times. NULL where the keeper begins with its first report.
ALTER TABLE pgautofailover.node ADD COLUMN sessionserial bigint;
-- What was said before, nobody knows of sessions that began before this.
UPDATE pgautofailover.node SET sessionserial = reportserial;

CREATE OR REPLACE FUNCTION pgautofailover_private.take_session(node_id bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF coalesce(current_setting('pgautofailover.session_start', true), '') = '' THEN
    PERFORM pgautofailover_private.remember_session_start();
  END IF;
  UPDATE pgautofailover.node n SET
    sessionpid = pg_backend_pid(),
    sessionstart = 'epoch'::timestamptz
      + current_setting('pgautofailover.session_start')::float8 * interval '1 microsecond',
    sessionserial = n.reportserial
  WHERE n.nodeid = node_id;
  -- Of an unknown node nothing is kept: its report says so.
  IF FOUND THEN
    PERFORM set_config('pgautofailover.session_of', node_id::text, false);
  END IF;
END
$$;
`;
