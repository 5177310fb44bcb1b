import type { NodeToSet } from '@pgaf/plugin-api';

/** A host that hangs is given up within some 5 s by who is connected to it. */
const LIVELINESS = 'keepalives_idle=2 keepalives_interval=1 keepalives_count=3 tcp_user_timeout=5000';

/** Settings of every node of a Citus formation, https://docs.citusdata.com/en/stable/develop/api_guc.html. */
export const CITUS_SETTINGS: Readonly<Record<string, string>> = {
  // Shards are moved by logical replication.
  wal_level: 'logical',
  // The same on all, as a standby must not have less than its primary.
  max_prepared_transactions: '200',
  'citus.node_connection_timeout': '2s',
  // The keeper of each primary sees to what is left prepared: Citus itself does so also on one that was replaced.
  'citus.recover_2pc_interval': '-1',
  'citus.metadata_sync_interval': '1s',
  'citus.metadata_sync_retry_interval': '1s',
  // What comes from a host that hangs is given up as soon: the locks of its transactions hold up others. Postgres itself
  // hears of it after two hours, since nothing is sent to a session that is idle in a transaction.
  tcp_keepalives_idle: '2s',
  tcp_keepalives_interval: '1s',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '5s',
};

/** How the nodes reach each other. */
export function settingsFor(node: NodeToSet): Record<string, string> {
  const { sslmode, sslrootcert, sslcrl, settings, host } = node;
  const files = [
    ...(sslrootcert === null ? [] : [`sslrootcert=${quoted(sslrootcert)}`]),
    ...(sslcrl === null ? [] : [`sslcrl=${quoted(sslcrl)}`]),
  ];
  const isReplica = settings['secondary'] === 'true';
  return {
    'citus.node_conninfo': [`sslmode=${sslmode}`, ...files, LIVELINESS].join(' '),
    'citus.local_hostname': host,
    ...(isReplica
      ? { 'citus.cluster_name': settings['cluster'] ?? 'default', 'citus.use_secondary_nodes': 'always' }
      : {}),
  };
}

/** A value of a connection string of libpq. */
function quoted(value: string): string {
  return /^[\w/.-]+$/.test(value) ? value : `'${value.replace(/['\\]/g, '\\$&')}'`;
}
