import type { Milliseconds } from '@pgaf/core/durations';
import { REPORT_IN_MOTION_EVERY } from '@pgaf/monitor-client/motion';
import type { SslMode } from '@pgaf/conninfo/conninfo';
import type { ClientCertificate } from '@pgaf/postgres/upstream';
import type { Secret } from '@pgaf/logging/secret';

/** Everything about a node that its user chose; fixed until the keeper reads its configuration again. */
export interface NodeConfig {
  readonly pgdata: string;
  readonly bindir: string;
  /** What others call it; null for the monitor's choice. */
  readonly name: string | null;
  /** How the other nodes and clients reach this one. */
  readonly host: string;
  readonly port: number;
  readonly listenAddresses: string;
  readonly socketDirectory: string;
  /** What the postmaster prints before it has a log of its own. */
  readonly postmasterLog: string;
  readonly dbname: string;
  /** The application's superuser; null for none but the one of initdb. */
  readonly username: string | null;
  /** The superuser of initdb: the name of the operating system's user. */
  readonly superuser: string;
  /** The method of our lines in pg_hba.conf. */
  readonly auth: string;
  /** `skip`: the user writes pg_hba.conf; `app`: clients of the local network are let in too. */
  readonly hbaLevel: 'skip' | 'minimal' | 'app';
  /** The hosts of the monitor's connection string, for its health checks. */
  readonly monitorHosts: readonly string[];
  readonly tls: TlsConfig;
  readonly replicationPassword: Secret | null;
  /** Where libpq's programs and the walreceiver find that password; not there without one. */
  readonly passfile: string;
  /** As `pg_basebackup --max-rate`. */
  readonly maximumBackupRate: string;
  /** As `max_slot_wal_keep_size`; null for a share of the disk. */
  readonly slotBound: string | null;
  /** What becomes of data that a copy replaces: they stay until it is whole, or go first. */
  readonly oldData: 'keep' | 'discard';
  /** Where `pg_wal` leads to in new data; null where the old ones say, or inside. */
  readonly waldir: string | null;
  /** Locations of tablespaces here, by those of the primary; the same where it has none. */
  readonly tablespaceMapping: ReadonlyMap<string, string>;
  /** The file that all this comes from, for hints. */
  readonly configPath: string;
  readonly statePath: string;
  /** Says until when Postgres may run as a leader. */
  readonly leasePath: string;
  /** For how long a leader takes writes after a renewal: `network_partition_timeout`. */
  readonly leaseLength: Milliseconds;
  /** Names and values of the plugin's section. */
  readonly pluginSettings: Readonly<Record<string, string>>;
}

export interface TlsConfig {
  readonly active: boolean;
  /** Of connections to other nodes. */
  readonly sslmode: SslMode;
  readonly selfSigned: boolean;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly caFile: string | null;
  readonly crlFile: string | null;
  /** By which this node logs in to others that ask for one. */
  readonly client: ClientCertificate | null;
}

/** The pace of a keeper. */
export interface Pace {
  /** Between heartbeats at rest. */
  readonly calm: Milliseconds;
  /** While the node is on its way to a goal. */
  readonly busy: Milliseconds;
  /** While its group is, and the monitor does not announce at once what follows. */
  readonly inMotion: Milliseconds;
  /** Between two calls of a plugin's `reconcile` at rest. */
  readonly reconcile: Milliseconds;
}

export const DEFAULT_PACE: Pace = {
  calm: 1000,
  busy: 200,
  inMotion: REPORT_IN_MOTION_EVERY,
  reconcile: 10_000,
};
