import type { FormationPlan, PlannedNode } from '@pgaf/plugin-api/test-formation';

/** What the images say. */
const DATA_DIRECTORY = '/var/lib/postgresql/data';
export const NODE_FILE = '/etc/pgaf/node.ini';
export const POSTGRES_PORT = 5432;
/** Of the monitor, in the formation's network. */
export const MONITOR = 'monitor';

type Settings = Readonly<Record<string, string | number | boolean | undefined>>;

function print(sections: Readonly<Record<string, Settings>>): string {
  const lines = Object.entries(sections).flatMap(([section, settings]) => {
    const said = Object.entries(settings).flatMap(([key, value]) =>
      value === undefined ? [] : [`${key} = ${value}`],
    );
    return said.length === 0 ? [] : [`[${section}]`, ...said, ''];
  });
  return lines.join('\n');
}

/** Containers of a test trust their network, and need no certificates. */
const OPTIONS = { ssl: 'off', auth: 'trust', pg_hba_lan: true };

/** The file of `pgaf node run` for the monitor of a formation. */
export function monitorIni({ numberSyncStandbys }: FormationPlan): string {
  return print({
    node: { kind: 'monitor', hostname: MONITOR },
    postgresql: { pgdata: DATA_DIRECTORY },
    'formation default': { num_sync_standbys: numberSyncStandbys },
    options: OPTIONS,
  });
}

/** The same for one of its nodes, whose name is its host's, too. */
export function nodeIni({ dbname }: FormationPlan, node: PlannedNode): string {
  const monitor = `postgres://autoctl_node@${MONITOR}:${POSTGRES_PORT}/pg_auto_failover?sslmode=prefer`;
  return print({
    node: { kind: node.role, name: node.name, hostname: node.name },
    postgresql: { pgdata: DATA_DIRECTORY, dbname },
    monitor: { pguri: monitor },
    formation: { group: node.group },
    settings: {
      candidate_priority: node.candidatePriority,
      replication_quorum: node.replicationQuorum,
    },
    options: OPTIONS,
  });
}
