/** Tables, types and roles. Immutable once released. */
export const sql = /* sql */ `
CREATE SCHEMA pgautofailover;

-- What only the functions of this schema and the service may touch; nobody else has USAGE.
CREATE SCHEMA pgautofailover_private;

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS dblink WITH SCHEMA pgautofailover_private;

DO $$
BEGIN
  CREATE ROLE autoctl_node LOGIN;
EXCEPTION WHEN duplicate_object THEN NULL;
END
$$;

-- A session would plan each statement of a report anew five times before it keeps a plan, which with a thousand keepers is
-- minutes of work after each start: those that report in full do so every half a minute. All are looks at single rows.
DO $$
BEGIN
  EXECUTE format('ALTER ROLE autoctl_node IN DATABASE %I SET plan_cache_mode TO force_generic_plan', current_database());
END
$$;

-- What Postgres lets every role do that can connect, and no node needs: to occupy the lock of the service, to fill
-- the disk, to have others run a function of its own.
DO $$
DECLARE
  open regprocedure;
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO autoctl_node', current_database());
  FOR open IN
    SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
      AND proname ~ '^(pg_(try_)?advisory_|lo_(creat|create|from_bytea)$)'
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', open);
  END LOOP;
END
$$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA pgautofailover GRANT EXECUTE ON FUNCTIONS TO autoctl_node;
ALTER DEFAULT PRIVILEGES IN SCHEMA pgautofailover GRANT SELECT ON TABLES TO autoctl_node;

CREATE TYPE pgautofailover.replication_state AS ENUM (
  'unknown', 'init', 'single', 'wait_primary', 'primary', 'draining', 'demote_timeout', 'demoted',
  'catchingup', 'secondary', 'prepare_promotion', 'stop_replication', 'wait_standby', 'maintenance',
  'join_primary', 'apply_settings', 'prepare_maintenance', 'wait_maintenance', 'report_lsn',
  'fast_forward', 'join_secondary', 'dropped'
);

CREATE TYPE pgautofailover.fsm_section AS ENUM (
  'api_triggered', 'early_checks', 'reporting_node', 'primary_node'
);

CREATE TABLE pgautofailover.formation (
  formationid text NOT NULL DEFAULT 'default' PRIMARY KEY,
  kind text NOT NULL DEFAULT 'pgsql',
  dbname name NOT NULL DEFAULT 'postgres',
  opt_secondary bool NOT NULL DEFAULT true,
  number_sync_standbys int NOT NULL DEFAULT 0 CHECK (number_sync_standbys >= 0),
  -- What commits do while a primary and its standby are apart and the monitor hears both.
  partition_policy text NOT NULL DEFAULT 'availability' CHECK (partition_policy IN ('availability', 'durability')),
  -- The group whose nodes make the formation's URI; the kind's plugin says which.
  urigroup int NOT NULL DEFAULT 0
);

INSERT INTO pgautofailover.formation DEFAULT VALUES;

CREATE SEQUENCE pgautofailover_private.told;

-- What a report may say is checked by take_report: Postgres would read a CHECK of this table anew at each report, which
-- takes a fifth of its time.
CREATE TABLE pgautofailover.node (
  formationid text NOT NULL DEFAULT 'default' REFERENCES pgautofailover.formation,
  nodeid bigserial PRIMARY KEY,
  groupid int NOT NULL,
  nodename text NOT NULL,
  nodehost text NOT NULL,
  nodeport int NOT NULL,
  sysidentifier bigint,
  goalstate pgautofailover.replication_state NOT NULL DEFAULT 'init',
  reportedstate pgautofailover.replication_state NOT NULL,
  reportedpgisrunning bool DEFAULT true,
  reportedrepstate text DEFAULT 'async',
  reporttime timestamptz NOT NULL DEFAULT now(),
  reportedtli int NOT NULL DEFAULT 1,
  reportedlsn pg_lsn NOT NULL DEFAULT '0/0',
  walreporttime timestamptz NOT NULL DEFAULT now(),
  health int NOT NULL DEFAULT -1,
  healthchecktime timestamptz NOT NULL DEFAULT now(),
  statechangetime timestamptz NOT NULL DEFAULT now(),
  candidatepriority int NOT NULL DEFAULT 100,
  replicationquorum bool NOT NULL DEFAULT true,
  nodecluster text NOT NULL DEFAULT 'default',
  region text NOT NULL DEFAULT 'default',
  replication_stall_since timestamptz,
  pg_versionnum int,
  pg_version text,
  pg_versionstring text,
  role text NOT NULL DEFAULT 'node',
  -- KeeperFacts, LSNs as text.
  facts jsonb NOT NULL DEFAULT '{}',
  -- Counts reports: a promotion aborts when it moved since the snapshot that it was decided on.
  reportserial bigint NOT NULL DEFAULT 0,
  -- The backend that serves the keeper: its pid, and its start because pids come back.
  sessionpid int,
  sessionstart timestamptz,
  healthsince timestamptz NOT NULL DEFAULT now(),
  healthrefused bool NOT NULL DEFAULT false,
  -- Why the last health check told nothing; health is what an earlier one saw.
  healthproblem text,
  -- An operator works on it by hand: no failover of its group without an order.
  paused bool NOT NULL DEFAULT false,
  -- The rule that gave it its goal; events are trimmed. NULL since it was registered.
  goalrule text,
  goalbecause text,
  goaltime timestamptz,
  -- Another number whenever its keeper would be told something else; of the whole schema, so that no other row has it.
  told bigint NOT NULL DEFAULT nextval('pgautofailover_private.told'),
  UNIQUE (formationid, nodename),
  UNIQUE (nodehost, nodeport),
  CONSTRAINT same_system_identifier_within_group
    EXCLUDE USING gist (formationid WITH =, groupid WITH =, sysidentifier WITH <>)
    DEFERRABLE INITIALLY DEFERRED
) WITH (fillfactor = 25);

CREATE TABLE pgautofailover.event (
  eventid bigserial PRIMARY KEY,
  eventtime timestamptz NOT NULL DEFAULT now(),
  formationid text NOT NULL,
  nodeid bigint NOT NULL,
  groupid int NOT NULL,
  nodename text NOT NULL,
  nodehost text NOT NULL,
  nodeport int NOT NULL,
  reportedstate pgautofailover.replication_state NOT NULL,
  goalstate pgautofailover.replication_state NOT NULL,
  reportedrepstate text,
  reportedtli int NOT NULL DEFAULT 1 CHECK (reportedtli > 0),
  reportedlsn pg_lsn NOT NULL DEFAULT '0/0',
  candidatepriority int,
  replicationquorum bool,
  description text,
  rule_pos int,
  rule_section pgautofailover.fsm_section,
  -- The id of the monitor's rule; NULL when the event is not a decision.
  rule text
);

CREATE TABLE pgautofailover.group_state (
  formationid text NOT NULL REFERENCES pgautofailover.formation ON DELETE CASCADE,
  groupid int NOT NULL,
  epoch bigint NOT NULL DEFAULT 0,
  leader bigint,
  settings_in_force jsonb NOT NULL DEFAULT '[]',
  lineage jsonb NOT NULL DEFAULT '[]',
  switchover_target bigint,
  switchover_forced bool NOT NULL DEFAULT false,
  wal_source bigint,
  -- The term in which all nodes had told what they are, so that what stands here is believed since.
  believed_in_term bigint NOT NULL DEFAULT 0,
  memory jsonb NOT NULL DEFAULT '{}',
  waiting text[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (formationid, groupid)
);

-- Whatever an operator or a keeper asks of the formation, and what came of it.
CREATE TABLE pgautofailover.command (
  commandid bigserial PRIMARY KEY,
  kind text NOT NULL,
  formationid text,
  groupid int,
  arguments jsonb NOT NULL DEFAULT '{}',
  requested_by text NOT NULL,
  client_addr inet,
  requested_at timestamptz NOT NULL DEFAULT now(),
  deadline timestamptz NOT NULL,
  status text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'running', 'done', 'refused', 'withdrawn')),
  answer jsonb,
  sqlstate text,
  message text,
  detail text,
  hint text,
  answered_at timestamptz
);

CREATE INDEX command_waiting ON pgautofailover.command (commandid) WHERE status = 'new';

-- One row: who may decide. A decision holds it FOR SHARE at its own term.
CREATE TABLE pgautofailover.service (
  singleton bool PRIMARY KEY DEFAULT true CHECK (singleton),
  term bigint NOT NULL DEFAULT 0,
  started_at timestamptz,
  -- The term that was the first one on a restored backup: groups that are believed since before are not believed. Said
  -- here and not of each group, so that a group whose row somebody holds keeps nobody from saying it.
  doubted_in_term bigint NOT NULL DEFAULT 0,
  -- Of the Postgres that the last term was opened on; a backup that was restored is on another timeline, or another
  -- system, than its own rows say.
  system_identifier bigint,
  timeline int
);

INSERT INTO pgautofailover.service DEFAULT VALUES;

CREATE TABLE pgautofailover.schema_version (
  version int PRIMARY KEY,
  name text NOT NULL,
  breaking bool NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  -- Of its SQL: a migration of the same number may not be the same.
  sha256 text
);

GRANT USAGE ON SCHEMA pgautofailover TO autoctl_node;
`;
