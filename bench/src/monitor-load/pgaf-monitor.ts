import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Formation } from '@pgaf/testing/formation';
import { processorMs } from '@pgaf/testing/process-table';
import { nodeRows, REPORTING, reportScript, type LoadedMonitor } from './loaded-monitor.js';
import { psql } from './psql.js';
import { SilentPostgres } from './silent-postgres.js';

/** A keeper listens on its one session, on the channel of its formation, and tells of its epoch. */
const SESSION = `\\set formation :client_id / 2
SELECT bench.listen('f' || :formation::int);
\\set version 0`;
/** A keeper tells of its epoch and of the answer that it has, and asks for all of it now and then. */
const SCRIPT = reportScript({
  session: SESSION,
  more: `, '{"epoch": 1, "confirmedSetting": 1}', CASE WHEN :lsn::int % 30 > 0 THEN nullif(:version, '')::bigint END`,
  columns:
    'assigned_group_state, assigned_candidate_priority, assigned_replication_quorum, assignment, version',
  end: ' \\gset',
});

/** For clients that cannot put a name together: LISTEN takes no parameter. */
const LISTEN = `
CREATE SCHEMA bench;
CREATE FUNCTION bench.listen(formation text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
AS $$ BEGIN EXECUTE format('LISTEN %I', pgautofailover_private.channel_of(formation)); END $$;
GRANT USAGE ON SCHEMA bench TO autoctl_node;
GRANT EXECUTE ON FUNCTION bench.listen(text) TO autoctl_node;
`;

/** Of nodes that were there before, the service may write a group after it was deleted. */
const GROUPS = `
BEGIN;
LOCK TABLE pgautofailover.group_state IN EXCLUSIVE MODE;
DELETE FROM pgautofailover.group_state;
INSERT INTO pgautofailover.group_state (formationid, groupid, epoch, leader, settings_in_force, lineage)
SELECT formationid, 0, 1, min(nodeid),
       jsonb_build_array(jsonb_build_object('version', 1, 'required', 1, 'members', jsonb_build_array(max(nodeid)))),
       '[{"epoch": 1, "tli": 1, "switchpoint": null}]'
  FROM pgautofailover.node GROUP BY formationid;
COMMIT;
`;

/** The socket that the server in this data directory listens on. */
function socketDirectoryOf(pgdata: string): string {
  return readFileSync(join(pgdata, 'postmaster.pid'), 'utf8').split('\n')[4] ?? '';
}

/** A monitor of pgaf with its service, made as users make it. */
export async function makePgafMonitor(pgctl: string, directory: string): Promise<LoadedMonitor> {
  const bindir = dirname(pgctl);
  const postgres = await SilentPostgres.listen();
  const formation = await Formation.layOut({ nodes: 0, directory: join(directory, 'formation'), pgctl });
  const { host, port } = formation.monitor;
  await formation.startMonitor();
  const server = {
    bindir,
    socketDirectory: socketDirectoryOf(host.pgdata),
    port,
    database: 'pg_auto_failover',
  };
  psql(server, LISTEN);
  const facts = `, 1, '{"epoch": 1, "confirmedSetting": 1}'`;
  return {
    address: { host: host.address, port, user: 'autoctl_node' },
    pgbench: join(bindir, 'pgbench'),
    directory,
    script: SCRIPT,
    register: (nodes) => {
      psql(server, 'DELETE FROM pgautofailover.group_state;');
      psql(server, nodeRows(nodes, postgres.port, ', reportserial, facts', facts));
    },
    reporting: () => Number(psql(server, REPORTING)),
    beginToDecide: () => void psql(server, GROUPS),
    processorMs: () => host.processes().reduce((sum, { pid }) => sum + processorMs(pid), 0),
    close: async () => {
      postgres.close();
      await formation.dispose();
    },
  };
}
