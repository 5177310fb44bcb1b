import type { ConfigOf, Schema, Setting } from './schema.js';

export {
  camel,
  findSetting,
  nameOf,
  type ConfigOf,
  type Schema,
  type Setting,
  type SettingValue,
} from './schema.js';

const PORT = { type: 'integer', min: 1, max: 65535 } as const;

const HBA_LEVELS = ['skip', 'minimal', 'app'] as const;
const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

/** The value of `pg_autoctl.monitor` in the file of a node that has none. */
export const MONITOR_DISABLED = 'PG_AUTOCTL_DISABLED';

const sslSettings = [
  { section: 'ssl', key: 'active', type: 'boolean', default: false, reloadable: true },
  { section: 'ssl', key: 'sslmode', type: 'enum', values: SSL_MODES, flag: 'ssl-mode', reloadable: true },
  { section: 'ssl', key: 'ca_file', type: 'text', flag: 'ssl-ca-file', reloadable: true },
  { section: 'ssl', key: 'crl_file', type: 'text', flag: 'ssl-crl-file', reloadable: true },
  { section: 'ssl', key: 'cert_file', type: 'text', flag: 'server-cert', reloadable: true },
  { section: 'ssl', key: 'key_file', type: 'text', flag: 'server-key', reloadable: true },
] as const satisfies Schema;

const localPostgres = [
  { section: 'postgresql', key: 'pgdata', type: 'text', flag: 'pgdata', env: 'PGDATA', required: true },
  { section: 'postgresql', key: 'pg_ctl', type: 'text', flag: 'pgctl' },
  { section: 'postgresql', key: 'username', type: 'text', flag: 'username', env: 'PGUSER' },
  { section: 'postgresql', key: 'dbname', type: 'text', flag: 'dbname', env: 'PGDATABASE' },
  { section: 'postgresql', key: 'host', type: 'text', flag: 'pghost', env: 'PGHOST' },
  { section: 'postgresql', key: 'port', ...PORT, default: 5432, flag: 'pgport', env: 'PGPORT' },
  // Postgres takes another one when it is started.
  { section: 'postgresql', key: 'listen_addresses', type: 'text', default: '*', flag: 'listen' },
  { section: 'postgresql', key: 'auth_method', type: 'text', flag: 'auth', env: 'PG_AUTOCTL_AUTH_METHOD' },
] as const satisfies Schema;

/** The file of a node, in the order in which it is written. */
export const keeperSettings = [
  { section: 'pg_autoctl', key: 'role', type: 'enum', values: ['keeper'], default: 'keeper' },
  {
    section: 'pg_autoctl',
    key: 'monitor',
    type: 'text',
    flag: 'monitor',
    // Of a URI, or among keywords.
    secretIn: /:\/\/[^/?#]*:[^/?#]*@|\bpassword\s*=/,
    env: 'PG_AUTOCTL_MONITOR',
    reloadable: true,
  },
  { section: 'pg_autoctl', key: 'formation', type: 'text', default: 'default', flag: 'formation' },
  { section: 'pg_autoctl', key: 'group', type: 'integer', min: 0, max: 2 ** 31 - 1, flag: 'group' },
  {
    section: 'pg_autoctl',
    key: 'name',
    type: 'text',
    flag: 'name',
    env: 'PG_AUTOCTL_NODE_NAME',
    reloadable: true,
    grantedByMonitor: true,
  },
  {
    section: 'pg_autoctl',
    key: 'hostname',
    type: 'text',
    flag: 'hostname',
    oldKey: 'nodename',
    reloadable: true,
    grantedByMonitor: true,
  },
  // By which this node logs in to the monitor, when `monitor` says none.
  {
    section: 'pg_autoctl',
    key: 'autoctl_node_password',
    type: 'text',
    flag: 'autoctl-node-password',
    secret: true,
    reloadable: true,
  },
  { section: 'pg_autoctl', key: 'kind', type: 'text' },
  { section: 'pg_autoctl', key: 'nodekind', type: 'text' },
  ...localPostgres,
  {
    section: 'postgresql',
    key: 'proxyport',
    type: 'integer',
    min: 0,
    max: 65535,
    default: 0,
    flag: 'proxyport',
    reloadable: true,
  },
  { section: 'postgresql', key: 'waldir', type: 'text', flag: 'waldir' },
  { section: 'postgresql', key: 'hba_level', type: 'enum', values: HBA_LEVELS, default: 'minimal' },
  ...sslSettings,
  {
    section: 'replication',
    key: 'password',
    type: 'text',
    flag: 'replication-password',
    secret: true,
    reloadable: true,
  },
  {
    section: 'replication',
    key: 'maximum_backup_rate',
    type: 'text',
    default: '100M',
    flag: 'maximum-backup-rate',
    reloadable: true,
  },
  { section: 'replication', key: 'max_slot_wal_keep_size', type: 'text', reloadable: true },
  { section: 'replication', key: 'discard_old_data', type: 'boolean', default: false, reloadable: true },
  { section: 'replication', key: 'tablespace_mapping', type: 'text', reloadable: true },
  // Less than what two reports and two messages to the standbys take would end with each of them that is late.
  {
    section: 'timeout',
    key: 'network_partition_timeout',
    type: 'duration',
    min: 3000,
    default: 4000,
    reloadable: true,
  },
  {
    section: 'timeout',
    key: 'postgresql_restart_failure_timeout',
    type: 'duration',
    default: 20_000,
    reloadable: true,
  },
  {
    section: 'timeout',
    key: 'postgresql_restart_failure_max_retries',
    type: 'integer',
    min: 1,
    max: 1000,
    default: 3,
    reloadable: true,
  },
  { section: 'timeout', key: 'listen_notifications_timeout', type: 'duration', default: 60_000 },
] as const satisfies Schema;

/** The file of a monitor. */
export const monitorSettings = [
  { section: 'pg_autoctl', key: 'role', type: 'enum', values: ['monitor'], default: 'monitor' },
  {
    section: 'pg_autoctl',
    key: 'hostname',
    type: 'text',
    flag: 'hostname',
    oldKey: 'nodename',
    reloadable: true,
  },
  {
    section: 'pg_autoctl',
    key: 'autoctl_node_password',
    type: 'text',
    flag: 'autoctl-node-password',
    secret: true,
    reloadable: true,
  },
  ...localPostgres,
  { section: 'postgresql', key: 'hba_level', type: 'enum', values: HBA_LEVELS, default: 'minimal' },
  ...sslSettings,
  {
    section: 'replication',
    key: 'enable_sync_wal_log_threshold',
    type: 'integer',
    min: 0,
    max: 2 ** 40,
    default: 16 * 2 ** 20,
    reloadable: true,
  },
  { section: 'timeout', key: 'silent_after', type: 'duration', min: 1000, default: 2500, reloadable: true },
  {
    section: 'timeout',
    key: 'bad_health_after',
    type: 'duration',
    min: 1000,
    default: 5000,
    reloadable: true,
  },
  // A Postgres that is fenced takes up to a second to stop.
  { section: 'timeout', key: 'lease_margin', type: 'duration', min: 1000, default: 1500, reloadable: true },
  {
    section: 'timeout',
    key: 'health_check_period',
    type: 'duration',
    min: 100,
    default: 1000,
    reloadable: true,
  },
  {
    section: 'timeout',
    key: 'health_check_timeout',
    type: 'duration',
    min: 100,
    default: 1000,
    reloadable: true,
  },
  {
    section: 'history',
    key: 'maximum_age',
    type: 'duration',
    min: 3_600_000,
    default: 90 * 86_400_000,
    reloadable: true,
  },
  {
    section: 'history',
    key: 'maximum_rows',
    type: 'integer',
    min: 1000,
    max: 2 ** 31 - 1,
    default: 100_000,
    reloadable: true,
  },
  /** Without it, and with -v or -q on the command line, those decide. */
  { section: 'log', key: 'level', type: 'enum', values: LOG_LEVELS, reloadable: true },
] as const satisfies Schema;

export type KeeperConfig = ConfigOf<typeof keeperSettings>;
export type MonitorConfig = ConfigOf<typeof monitorSettings>;

/** Keys of older files that stand for nothing here: read over, and not written again. */
export const RETIRED: ReadonlySet<string> = new Set([
  'pg_autoctl.monitor_password',
  // A copy is made inside of the places that it is for: they may be file systems of their own, where no rename leads to.
  'replication.backup_directory',
  'timeout.prepare_promotion_catchup',
  'timeout.prepare_promotion_walreceiver',
]);

/** What a plugin says of its section; the shape of plugin-api's `ConfigurationSection`. */
export interface PluginSection {
  readonly name: string;
  readonly options: readonly {
    readonly key: string;
    readonly default: string;
    readonly section?: string;
  }[];
}

/**
 * The rows of the plugins' sections, without those that are among the keeper's; their values are texts. Files are read and written by
 * `[...keeperSettings, ...rows]`, and the rows are resolved by themselves, so that both results keep their types.
 */
export function pluginSettings(sections: readonly PluginSection[]): Schema {
  return sections.flatMap((section) =>
    section.options
      .filter((option) => option.section === undefined)
      .map((option): Setting => ({
        section: section.name,
        key: option.key,
        type: 'text',
        reloadable: true,
        ...(option.default === '' ? {} : { default: option.default }),
      })),
  );
}
