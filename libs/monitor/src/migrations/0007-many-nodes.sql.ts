/** How a monitor of many nodes hears of news, and tells of them, with few notifications. Immutable once released. */
export const sql = /* sql */ `
-- The term of a service that looks for what is written down below; in any other one all is notified at once, so that a
-- service of an older version, which looks for nothing, misses nothing.
ALTER TABLE pgautofailover.service ADD COLUMN looks_in_term bigint NOT NULL DEFAULT 0;

-- What the service has not heard of yet: payloads of the channel "inbox". Lost with a crash, as notifications are.
CREATE UNLOGGED TABLE pgautofailover_private.news (payload text NOT NULL);

-- What is to be notified, in the order of the numbers.
CREATE UNLOGGED TABLE pgautofailover_private.announcement (
  number bigint GENERATED ALWAYS AS IDENTITY,
  channel text NOT NULL,
  payload text NOT NULL
);

CREATE FUNCTION pgautofailover_private.service_looks() RETURNS bool
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT looks_in_term = term FROM pgautofailover.service $$;

-- Tells the service. A notification wakes all who listen in this database, which is each keeper.
CREATE FUNCTION pgautofailover_private.tell_service(payload text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF pgautofailover_private.service_looks() THEN
    INSERT INTO pgautofailover_private.news VALUES (payload);
  ELSE
    PERFORM pg_notify('inbox', payload);
  END IF;
END
$$;

-- Returns when there are news, at the latest after so many milliseconds. Each look is a transaction of its own: a snapshot
-- that is kept for longer would keep Postgres from clearing away what reports leave behind.
CREATE PROCEDURE pgautofailover_private.await_news(patience int)
-- Without a SET clause, with which it could not commit.
LANGUAGE plpgsql
AS $$
DECLARE
  deadline CONSTANT pg_catalog.timestamptz := pg_catalog.clock_timestamp()
    OPERATOR(pg_catalog.+) (patience OPERATOR(pg_catalog.*) pg_catalog.make_interval(secs => 0.001));
BEGIN
  WHILE NOT EXISTS (SELECT FROM pgautofailover_private.news)
    AND pg_catalog.clock_timestamp() OPERATOR(pg_catalog.<) deadline
  LOOP
    COMMIT;
    PERFORM pg_catalog.pg_sleep(0.005);
  END LOOP;
END
$$;

-- One event row and one notification, on the public channel and on the formation's: never the one without the other. The
-- notification is the service's, which makes one of many, while it looks.
CREATE OR REPLACE FUNCTION pgautofailover_private.announce(
  node pgautofailover.node, description text, rule text DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  news CONSTANT text := pgautofailover_private.state_payload(node);
  channels CONSTANT text[] := ARRAY['state', pgautofailover_private.channel_of(node.formationid)];
BEGIN
  INSERT INTO pgautofailover.event
    (eventtime, formationid, nodeid, groupid, nodename, nodehost, nodeport, reportedstate, goalstate,
     reportedrepstate, reportedtli, reportedlsn, candidatepriority, replicationquorum, description, rule)
  VALUES
    (clock_timestamp(), node.formationid, node.nodeid, node.groupid, node.nodename, node.nodehost, node.nodeport,
     node.reportedstate, node.goalstate, node.reportedrepstate, node.reportedtli, node.reportedlsn,
     node.candidatepriority, node.replicationquorum, description, rule);
  IF pgautofailover_private.service_looks() THEN
    INSERT INTO pgautofailover_private.announcement (channel, payload) SELECT channel, news FROM unnest(channels) AS channel;
  ELSE
    PERFORM pg_notify(channel, news) FROM unnest(channels) AS channel;
  END IF;
END
$$;

-- Two functions of earlier migrations go on as they are, but for whom they notify, and for a word that keepers are told
-- more of: whether they hear late.
DO $$
DECLARE
  edit record;
  before text;
BEGIN
  FOR edit IN
    SELECT * FROM (VALUES
      ('take_report', $old$PERFORM pg_notify('inbox', $old$, $new$PERFORM pgautofailover_private.tell_service($new$),
      ('take_report', $old$',"formation":{"id":'$old$,
        $new$',"announcesLate":', (s.looks_in_term = s.term)::text, ',"formation":{"id":'$new$),
      ('insert_command', $old$PERFORM pg_notify('inbox', $old$, $new$PERFORM pgautofailover_private.tell_service($new$)
    ) AS edits (name, old, new)
  LOOP
    SELECT pg_get_functiondef(p.oid) INTO STRICT before FROM pg_proc p
     WHERE p.pronamespace = 'pgautofailover_private'::regnamespace AND p.proname = edit.name;
    IF array_length(string_to_array(before, edit.old), 1) <> 2 THEN
      RAISE EXCEPTION 'the function % is another one than this migration is for', edit.name;
    END IF;
    EXECUTE replace(before, edit.old, edit.new);
  END LOOP;
END
$$;
`;
