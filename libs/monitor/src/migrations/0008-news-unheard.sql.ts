/** What is not left to a service that hears nothing. Immutable once released. */
export const sql = /* sql */ `
-- Whether a service looks for what is written down: the term is not enough, since a service that is killed ends none, and
-- what nobody takes would be written down for as long as there is no service. So the session of the service that waits for
-- news holds this lock, and loses it as it ends; the service has the same pair. Who can share the lock knows that nobody
-- holds it. Asked by another session than that one only, which could share it with itself.
CREATE OR REPLACE FUNCTION pgautofailover_private.service_looks() RETURNS bool
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT (SELECT looks_in_term = term FROM pgautofailover.service) THEN
    RETURN false;
  END IF;
  IF pg_try_advisory_lock_shared(1885823334, 3) THEN
    PERFORM pg_advisory_unlock_shared(1885823334, 3);
    RETURN false;
  END IF;
  RETURN true;
END
$$;

-- What is found after long is no news any more: a service of a version that announces nothing may have decided since.
ALTER TABLE pgautofailover_private.announcement
  ADD COLUMN written_at timestamptz NOT NULL DEFAULT clock_timestamp();

-- As before, but that a look that takes long, since old rows cannot be cleared away while somebody may still see them, is
-- followed by a pause of four times as long: the looking takes a fifth of a processor at most.
CREATE OR REPLACE PROCEDURE pgautofailover_private.await_news(patience int)
-- Without a SET clause, with which it could not commit.
LANGUAGE plpgsql
AS $$
DECLARE
  deadline CONSTANT pg_catalog.timestamptz := pg_catalog.clock_timestamp()
    OPERATOR(pg_catalog.+) (patience OPERATOR(pg_catalog.*) pg_catalog.make_interval(secs => 0.001));
  begun pg_catalog.timestamptz;
  seconds pg_catalog.float8;
BEGIN
  LOOP
    begun := pg_catalog.clock_timestamp();
    EXIT WHEN EXISTS (SELECT FROM pgautofailover_private.news) OR begun OPERATOR(pg_catalog.>=) deadline;
    seconds := pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) begun);
    COMMIT;
    PERFORM pg_catalog.pg_sleep(GREATEST(0.005, LEAST(0.2, 4 OPERATOR(pg_catalog.*) seconds)));
  END LOOP;
END
$$;

-- Left as it is on purpose: what a keeper's plugin says, take_report notifies of by itself, also while the service looks. In
-- the middle of a switchover other keepers of the formation wait for it, and they are not of a group in motion.
`;
