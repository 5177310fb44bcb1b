import type { Schema } from './schema.js';

const LAUNCH = ['immediate', 'deferred'] as const;
const SSL = ['self-signed', 'off', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

/** What the file of `pgaf node run` may say of a node; `flag` is the option of `pgaf create` that it stands for. */
export const nodeFileSettings = [
  { section: 'node', key: 'kind', type: 'text', default: 'postgres' },
  { section: 'node', key: 'name', type: 'text', flag: 'name' },
  { section: 'node', key: 'hostname', type: 'text', flag: 'hostname' },
  { section: 'node', key: 'port', type: 'integer', min: 1, max: 65_535, flag: 'pgport' },
  { section: 'postgresql', key: 'pgdata', type: 'text', flag: 'pgdata' },
  { section: 'postgresql', key: 'pg_ctl', type: 'text', flag: 'pgctl' },
  { section: 'postgresql', key: 'host', type: 'text', flag: 'pghost' },
  { section: 'postgresql', key: 'listen_addresses', type: 'text', flag: 'listen' },
  { section: 'postgresql', key: 'username', type: 'text', flag: 'username' },
  { section: 'postgresql', key: 'dbname', type: 'text', flag: 'dbname' },
  { section: 'postgresql', key: 'waldir', type: 'text', flag: 'waldir' },
  {
    section: 'monitor',
    key: 'pguri',
    type: 'text',
    flag: 'monitor',
    secretIn: /:\/\/[^/?#]*:[^/?#]*@|\bpassword\s*=/,
  },
  { section: 'monitor', key: 'no_monitor', type: 'boolean', default: false },
  { section: 'monitor', key: 'node_id', type: 'integer', min: 1, max: 2 ** 31 - 1 },
  { section: 'formation', key: 'name', type: 'text', flag: 'formation' },
  { section: 'formation', key: 'group', type: 'integer', min: 0, max: 2 ** 31 - 1, flag: 'group' },
  {
    section: 'settings',
    key: 'candidate_priority',
    type: 'integer',
    min: 0,
    max: 100,
    flag: 'candidate-priority',
  },
  { section: 'settings', key: 'replication_quorum', type: 'boolean', flag: 'replication-quorum' },
  { section: 'settings', key: 'region', type: 'text', flag: 'region' },
  { section: 'options', key: 'ssl', type: 'enum', values: SSL, default: 'self-signed' },
  { section: 'options', key: 'auth', type: 'text', flag: 'auth' },
  { section: 'options', key: 'pg_hba_lan', type: 'boolean', default: true },
  { section: 'ssl', key: 'ca_file', type: 'text', flag: 'ssl-ca-file' },
  { section: 'ssl', key: 'crl_file', type: 'text', flag: 'ssl-crl-file' },
  { section: 'ssl', key: 'cert_file', type: 'text', flag: 'server-cert' },
  { section: 'ssl', key: 'key_file', type: 'text', flag: 'server-key' },
  { section: 'launch', key: 'create', type: 'enum', values: LAUNCH, default: 'immediate' },
  { section: 'launch', key: 'run', type: 'enum', values: LAUNCH, default: 'immediate' },
  {
    section: 'pg_auto_failover',
    key: 'autoctl_node_password',
    type: 'text',
    flag: 'autoctl-node-password',
    secret: true,
  },
  {
    section: 'pg_auto_failover',
    key: 'autoctl_node_password_file',
    type: 'text',
    flag: 'autoctl-node-password-file',
  },
  // Of older files; nothing uses it.
  { section: 'pg_auto_failover', key: 'monitor_password', type: 'text', secret: true },
  { section: 'replication', key: 'password', type: 'text', flag: 'replication-password', secret: true },
  { section: 'replication', key: 'password_file', type: 'text', flag: 'replication-password-file' },
  { section: 'replication', key: 'maximum_backup_rate', type: 'text', flag: 'maximum-backup-rate' },
] as const satisfies Schema;

/** `[formation NAME]`: a formation that a monitor is to have. */
export function formationSettings<const S extends string>(section: S) {
  return [
    { section, key: 'kind', type: 'text' },
    { section, key: 'dbname', type: 'text' },
    { section, key: 'secondary', type: 'boolean' },
    { section, key: 'num_sync_standbys', type: 'integer', min: 0, max: 2 ** 31 - 1 },
  ] as const satisfies Schema;
}
