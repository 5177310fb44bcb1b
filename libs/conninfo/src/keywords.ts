/** Values of `sslmode`, weakest first. */
export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** Values of `target_session_attrs`. */
export const TARGET_SESSION_ATTRS = [
  'any',
  'read-write',
  'read-only',
  'primary',
  'standby',
  'prefer-standby',
] as const;
export type TargetSessionAttrs = (typeof TARGET_SESSION_ATTRS)[number];

/** The keywords that have a property of their own in `ConnInfo`, in the order in which they are printed. */
export const OWN_KEYWORDS = {
  user: 'user',
  password: 'password',
  dbname: 'dbname',
  target_session_attrs: 'targetSessionAttrs',
  sslmode: 'sslmode',
  sslrootcert: 'sslrootcert',
  sslcrl: 'sslcrl',
  sslcert: 'sslcert',
  sslkey: 'sslkey',
  application_name: 'applicationName',
  connect_timeout: 'connectTimeout',
  passfile: 'passfile',
  options: 'options',
} as const;
export type OwnKeyword = keyof typeof OWN_KEYWORDS;

/** The other keywords of libpq up to version 18: carried along, so that a string survives a round trip. */
export const REST_KEYWORDS: ReadonlySet<string> = new Set([
  'channel_binding',
  'client_encoding',
  'fallback_application_name',
  'gssdelegation',
  'gssencmode',
  'gsslib',
  'keepalives',
  'keepalives_count',
  'keepalives_idle',
  'keepalives_interval',
  'krbsrvname',
  'load_balance_hosts',
  'max_protocol_version',
  'min_protocol_version',
  'oauth_client_id',
  'oauth_client_secret',
  'oauth_issuer',
  'oauth_scope',
  'replication',
  'require_auth',
  'requirepeer',
  'scram_client_key',
  'scram_server_key',
  'service',
  'servicefile',
  'ssl_max_protocol_version',
  'ssl_min_protocol_version',
  'sslcertmode',
  'sslcompression',
  'sslcrldir',
  'sslkeylogfile',
  'sslnegotiation',
  'sslpassword',
  'sslsni',
  'tcp_user_timeout',
]);

export const SECRET_KEYWORDS: ReadonlySet<string> = new Set([
  'oauth_client_secret',
  'scram_client_key',
  'scram_server_key',
  'sslpassword',
]);
