import type { ConfigFile } from '@pgaf/config/file';
import type { FlagValues } from './flag-values.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** An earlier file answers for choices that the command line leaves out. */
export function withEarlierChoices(
  flags: FlagValues,
  env: Environment,
  earlier: ConfigFile | undefined,
): FlagValues {
  if (earlier === undefined) return flags;
  const value = (name: string): string | undefined =>
    earlier.entries.find(({ section, key }) => `${section}.${key}` === name)?.value;
  const more: Record<string, string | boolean> = {};
  const saysAuth = flags['auth'] ?? flags['skip-pg-hba'] ?? env['PG_AUTOCTL_AUTH_METHOD'];
  const level = value('postgresql.hba_level');
  const auth = value('postgresql.auth_method');
  if (!saysAuth && level === 'skip') more['skip-pg-hba'] = true;
  else if (!saysAuth && auth) more['auth'] = auth;
  // Whoever says by what one logs in has not said from where.
  const flagForLan = flags['pg-hba-lan'] ?? flags['skip-pg-hba'];
  const saysLan = flagForLan !== undefined || env['PG_AUTOCTL_PG_HBA_LAN'];
  if (!saysLan && level === 'app') more['pg-hba-lan'] = true;
  const saysSsl =
    flags['no-ssl'] ?? flags['ssl-self-signed'] ?? flags['server-cert'] ?? env['PG_AUTOCTL_SSL_SELF_SIGNED'];
  if (!saysSsl) Object.assign(more, earlierSsl(value));
  return { ...more, ...given(flags) };
}

function given(flags: FlagValues): FlagValues {
  return Object.fromEntries(
    // A node's file may say that the local network stays out, which the environment does not overrule.
    Object.entries(flags).filter(
      ([name, value]) => value !== undefined && (value !== false || name === 'pg-hba-lan'),
    ),
  );
}

function earlierSsl(value: (name: string) => string | undefined): FlagValues {
  const active = value('ssl.active');
  if (active === undefined) return {};
  if (active === '0') return { 'no-ssl': true, 'ssl-mode': value('ssl.sslmode') };
  const certificate = value('ssl.cert_file');
  if (certificate === undefined) return { 'ssl-self-signed': true, 'ssl-mode': value('ssl.sslmode') };
  return {
    'server-cert': certificate,
    'server-key': value('ssl.key_file'),
    'ssl-ca-file': value('ssl.ca_file'),
    'ssl-crl-file': value('ssl.crl_file'),
    'ssl-mode': value('ssl.sslmode'),
  };
}
