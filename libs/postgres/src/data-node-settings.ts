import type { Setting } from './settings.js';

/** Loaded on every node that has it. */
export const STATISTICS = 'pg_stat_statements';

/** Paths as Postgres reads them: absolute, or relative to the data directory. */
export interface SslFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile?: string | undefined;
  readonly crlFile?: string | undefined;
}

export interface ServerSettings {
  readonly port: number;
  readonly listenAddresses: string;
  readonly socketDirectory: string;
  readonly ssl?: SslFiles | undefined;
  /** The method that clients log in by, as in pg_hba.conf. */
  readonly authMethod?: string | undefined;
  /** How much WAL a slot may hold back, as `max_slot_wal_keep_size`; Postgres's own default is no bound. */
  readonly slotBound?: string | undefined;
  /** Of the formation's kind; later ones win. */
  readonly extra?: readonly Setting[] | undefined;
}

function sslSettings(ssl: SslFiles | undefined): Setting[] {
  if (!ssl) return [['ssl', 'off']];
  const optional: [string, string | undefined][] = [
    ['ssl_ca_file', ssl.caFile],
    ['ssl_crl_file', ssl.crlFile],
  ];
  return [
    ['ssl', 'on'],
    ['ssl_cert_file', ssl.certFile],
    ['ssl_key_file', ssl.keyFile],
    ...optional.flatMap(([name, value]): Setting[] => (value === undefined ? [] : [[name, value]])),
  ];
}

/** How passwords are stored, where the login method leaves one choice; else Postgres's default stays. */
function passwordSettings(method: string | undefined): Setting[] {
  if (method === 'md5') return [['password_encryption', 'md5']];
  if (method === 'scram-sha-256' || method === 'password') return [['password_encryption', 'scram-sha-256']];
  return [];
}

/** Files of a day or of 10 MB, with names that sort by age; `pruneLogs` removes old ones. */
const LOG_SETTINGS: readonly Setting[] = [
  ['log_destination', 'stderr'],
  ['logging_collector', 'on'],
  ['log_directory', 'log'],
  ['log_filename', 'postgresql-%Y-%m-%d_%H%M%S.log'],
  ['log_rotation_age', '1d'],
  ['log_rotation_size', '10MB'],
  ['log_min_messages', 'info'],
  ['log_connections', 'off'],
  ['log_disconnections', 'off'],
  ['log_lock_waits', 'on'],
];

/** What every Postgres of ours has: addresses, TLS, log. */
export function serverSettings(server: ServerSettings): Setting[] {
  return [
    ['listen_addresses', server.listenAddresses],
    ['port', String(server.port)],
    ['unix_socket_directories', server.socketDirectory],
    ...sslSettings(server.ssl),
    ...passwordSettings(server.authMethod),
    ...LOG_SETTINGS,
    ...(server.extra ?? []),
  ];
}

/** What a data node has: replication both ways, and a broken connection noticed within 5 s. */
export function dataNodeSettings(server: ServerSettings): Setting[] {
  const replication: Setting[] = [
    ['wal_level', 'replica'],
    ['max_wal_senders', '12'],
    ['max_replication_slots', '12'],
    // Slots hold what a standby needs; this is for one that follows a new primary, and for pg_rewind.
    ['wal_keep_size', '1GB'],
    ...(server.slotBound === undefined ? [] : [['max_slot_wal_keep_size', server.slotBound] as const]),
    ['wal_log_hints', 'on'],
    ['hot_standby', 'on'],
    ['hot_standby_feedback', 'on'],
    // On a primary, too: it cannot change while Postgres runs, so a promotion must not take it away.
    ['recovery_target_timeline', 'latest'],
    ['synchronous_commit', 'on'],
    ['wal_sender_timeout', '5s'],
    ['wal_receiver_timeout', '5s'],
    ['wal_receiver_status_interval', '1s'],
    ['wal_retrieve_retry_interval', '100ms'],
  ];
  const { extra, ...rest } = server;
  return [...serverSettings(rest), ...replication, ...(extra ?? [])];
}
