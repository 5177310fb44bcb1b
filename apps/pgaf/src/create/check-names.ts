import { lookup } from 'node:dns/promises';
import { EXIT, UserError } from '@pgaf/core/errors';
import {
  whyNoFormationName,
  whyNoHost,
  whyNoNodeName,
  whyNoPostgresName,
  whyNoRegion,
} from '@pgaf/core/names';
import type { Logger } from '@pgaf/logging/logger';

/**
 * Looks whether the names that the user gave can be written into pg_hba.conf, connection strings and tables. A
 * host name that nothing here knows is taken with a warning: it may be known later, or elsewhere.
 * @throws UserError `bad-name`.
 */
export async function checkNames(
  { hostname, name }: { readonly hostname?: string | undefined; readonly name?: string | undefined },
  log: Logger,
): Promise<void> {
  if (name !== undefined) requireNodeName(name);
  if (hostname === undefined) return;
  requireNone('--hostname', hostname, whyNoHost(hostname));
  if ((await lookup(hostname).catch(() => null)) !== null) return;
  log.warn(
    `The host name "${hostname}" is not known here; the monitor and the other nodes must be able to resolve it`,
  );
}

/** @throws UserError `bad-name`. */
export function requireNodeName(name: string): void {
  requireNone('--name', name, whyNoNodeName(name));
}

/** @throws UserError `bad-name`. */
export function requireFormationName(name: string): void {
  requireNone('--formation', name, whyNoFormationName(name));
}

/** @param where It was given. @throws UserError `bad-name`. */
export function requireRegion(where: string, region: string): void {
  requireNone(where, region, whyNoRegion(region));
}

/** Of a database or a role. @param flag It was given by. @throws UserError `bad-name`. */
export function requirePostgresName(flag: string, name: string): void {
  requireNone(flag, name, whyNoPostgresName(name));
}

function requireNone(flag: string, name: string, why: string | null): void {
  if (why !== null) throw badName(flag, name, why);
}

function badName(flag: string, value: string, why: string): UserError {
  return new UserError(value === '' ? `${flag} ${why}.` : `${flag}: ${JSON.stringify(value)} ${why}.`, {
    code: 'bad-name',
    exit: EXIT.badArguments,
    hint: `Correct ${flag}.`,
  });
}
