import { formatUri, parseConnInfo, type ConnInfo } from '@pgaf/conninfo/conninfo';
import type { KeeperConfig } from '@pgaf/config/settings';
import { UserError } from '@pgaf/core/errors';

export const MONITOR_DATABASE = 'pg_auto_failover';

/** @param where The option, variable or file that the string stands in. @throws UserError that names it. */
export function monitorConnInfo(uri: string, where: string): ConnInfo {
  try {
    return parseConnInfo(uri);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { code, exit, hint, message } = error;
    throw new UserError(`${where}: ${message}`, { code, exit, ...(hint === undefined ? {} : { hint }) });
  }
}

/**
 * How a node logs in to its monitor: by its `pg_autoctl.monitor`, and for what that leaves open (password, TLS
 * and the authorities that are trusted) as the node itself was told.
 */
export function nodeMonitorConnInfo(
  { pgAutoctl, ssl }: Pick<KeeperConfig, 'pgAutoctl' | 'ssl'>,
  where: string,
): ConnInfo {
  const conninfo = monitorConnInfo(pgAutoctl.monitor ?? '', where);
  const password = conninfo.password ?? pgAutoctl.autoctlNodePassword;
  const sslmode = conninfo.sslmode ?? ssl.sslmode;
  const verifies = sslmode?.startsWith('verify-') === true;
  const root = conninfo.sslrootcert ?? (verifies ? ssl.caFile : undefined);
  const crl = conninfo.sslcrl ?? (verifies && conninfo.sslrootcert === undefined ? ssl.crlFile : undefined);
  return {
    ...conninfo,
    ...(password === undefined ? {} : { password }),
    ...(sslmode === undefined ? {} : { sslmode }),
    ...(root === undefined ? {} : { sslrootcert: root }),
    ...(crl === undefined ? {} : { sslcrl: crl }),
  };
}

/** The string and its password apart; a string without one stays as it was typed. */
export function splitPassword(
  uri: string,
  where: string,
): { readonly uri: string; readonly password: string | null } {
  const { password, ...rest } = monitorConnInfo(uri, where);
  if (password === undefined) return { uri, password: null };
  return { uri: formatUri(rest), password };
}
