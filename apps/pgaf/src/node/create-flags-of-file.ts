import type { CommandContext } from '../command-spec.js';
import type { FlagValues } from '../create/flag-values.js';
import { withPasswords } from '../create/password-file.js';
import { MONITOR_FLAGS } from '../create/create-flags.js';
import type { SpecifiedNode } from './specified-node.js';

/** Settings that `pgaf create` takes from files alone. */
const SECRETS = ['autoctl-node-password', 'replication-password'] as const;
/** They are of a monitor, too, though no option of `create monitor` is. */
const OF_MONITORS: ReadonlySet<string> = new Set([...Object.keys(MONITOR_FLAGS), ...SECRETS, 'dbname']);

/**
 * What the file says, as options of `pgaf create`: what it leaves out stays as it is. The environment counts where the file
 * says nothing, as it does for `create`.
 */
export function flagsOfFile(
  { file, what }: SpecifiedNode,
  { env, log }: Pick<CommandContext, 'env' | 'log'>,
): FlagValues {
  const flags: Record<string, string | boolean> = {};
  const secrets: Record<string, string> = {};
  for (const [flag, { name, line, value }] of file.options) {
    if (SECRETS.some((secret) => secret === flag)) secrets[flag] = String(value);
    else if (what === null && (!OF_MONITORS.has(flag) || flag === 'formation'))
      log.warn(`${file.path}:${line}: ${name} is for a node, and is passed over`);
    else flags[flag] = flagValue(flag, value, what);
  }
  const saysLan = what !== null && isWritten(file, 'pg_hba_lan');
  return {
    ...withPasswords(flags),
    ...secrets,
    pgdata: file.pgdata,
    ...(saysLan ? { 'pg-hba-lan': file.config.options.pgHbaLan } : {}),
    ...(isWritten(file, 'ssl') ? sslFlags(file, env) : {}),
  };
}

/** The same with the defaults of such files, for a node that is still to be created. */
export function createFlagsOfFile(
  spec: SpecifiedNode,
  context: Pick<CommandContext, 'env' | 'log'>,
): FlagValues {
  const { file, what } = spec;
  const { env, log } = context;
  const flags = flagsOfFile(spec, context);
  const trusts = flags['auth'] === undefined && !env['PG_AUTOCTL_AUTH_METHOD'];
  if (trusts)
    log.warn(
      `${file.path}: options.auth is not set, so whoever reaches this Postgres may log in: it is trust`,
    );
  const nobodySaysLan = !isWritten(file, 'pg_hba_lan') && !env['PG_AUTOCTL_PG_HBA_LAN'];
  return {
    ...flags,
    ...(trusts ? { auth: 'trust' } : {}),
    ...(what !== null && nobodySaysLan ? { 'pg-hba-lan': file.config.options.pgHbaLan } : {}),
    ...sslFlags(file, env),
  };
}

function isWritten({ text }: SpecifiedNode['file'], key: string): boolean {
  return text.entries.some((entry) => entry.section === 'options' && entry.key === key);
}

/** A boolean flag of a role is given, or not; all other values are texts, as typed. */
function flagValue(
  flag: string,
  value: string | number | boolean,
  what: SpecifiedNode['what'],
): string | boolean {
  const definition = what?.role.flags?.find(({ name }) => name === flag);
  return definition?.type === 'boolean' ? /^(1|true|on|yes)$/i.test(String(value)) : String(value);
}

/** Certificates that are named, and no word about how to use them, are used. */
function sslFlags(file: SpecifiedNode['file'], env: CommandContext['env']): FlagValues {
  const { config, options } = file;
  if (!isWritten(file, 'ssl') && (options.has('server-cert') || env['PG_AUTOCTL_SSL_SELF_SIGNED'])) return {};
  const { ssl } = config.options;
  if (ssl === 'self-signed') return { 'ssl-self-signed': true };
  return ssl === 'off' ? { 'no-ssl': true } : { 'ssl-mode': ssl };
}
