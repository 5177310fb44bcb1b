import pg from 'pg';
import type { Encryption } from './tls.js';
import { tlsFailure } from './tls-failure.js';

/** invalid_authorization_specification: no line of pg_hba.conf, or none for this kind of encryption. */
const NO_HBA_LINE = '28000';

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by the server',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'the network is unreachable',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be resolved now',
  ENOENT: 'there is no such socket',
  EACCES: 'no permission to use the socket',
  ETIMEDOUT: 'the connection timed out',
};

/** What a host answers, or fails to answer, that is about to come up, or comes back. */
const PASSING: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  'ETIMEDOUT',
]);

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** The server wants a password and we have none; pg hands the error through as it is. */
export class NoPasswordError extends Error {}

/** Connected, but to a server that `target_session_attrs` does not want. */
export class UnwantedSessionError extends Error {}

/** The host took the connection, or did not, and said nothing for as long as we were told to wait. */
export class NoAnswerError extends Error {}

function isRefusal(error: unknown): boolean {
  return error instanceof pg.DatabaseError || error instanceof NoPasswordError;
}

/** One line for a person. */
export function reasonOf(error: unknown): string {
  const known = UNREACHABLE[codeOf(error) ?? ''];
  if (known !== undefined) return known;
  const tls = tlsFailure(error);
  if (tls) return tls.reason;
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError) {
    return [...new Set(error.errors.map(reasonOf))].join(', ');
  }
  return error.message.replaceAll(/\s*\n\s*/g, ' ').replace(/\.$/, '');
}

/**
 * Whether `allow` or `prefer` goes on with its other attempt. Not when the host is out of reach, and not after a
 * wrong password, which would only be sent once more.
 */
export function fallsBackToNextAttempt(error: unknown, tried: Encryption): boolean {
  if (isRefusal(error)) return codeOf(error) === NO_HBA_LINE;
  if (tried === 'plain') return false;
  const code = codeOf(error);
  return code === undefined || code === 'ECONNRESET' || UNREACHABLE[code] === undefined;
}

/** Says pg when the server answers a request for TLS with `N`; the error has no code. */
export function speaksNoTls(error: unknown): boolean {
  return error instanceof Error && error.message === 'The server does not support SSL connections';
}

/**
 * Whether libpq would try the next host: always when no session came about, never when the server refused us;
 * a server that is starting, stopping or full is no refusal.
 */
export function triesNextHost(error: unknown): boolean {
  return !isRefusal(error) || /^5[37]/.test(codeOf(error) ?? '');
}

/**
 * Whether the same attempt may succeed later without anybody's doing: the host is out of reach, its server starts,
 * stops or is full, or is not yet the primary or standby that is wanted. Not when it refused us, nor after a certificate that we do not trust.
 */
export function mayMendItself(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(mayMendItself);
  if (isRefusal(error)) return /^(53|57P0)/.test(codeOf(error) ?? '');
  // A server that is killed while it lets us in; the error of pg for that has no code.
  const cutOff = error instanceof Error && /^Connection terminated/.test(error.message);
  if (error instanceof NoAnswerError || error instanceof UnwantedSessionError) return true;
  return cutOff || PASSING.has(codeOf(error) ?? '');
}

export function hintFor(error: unknown): string {
  const tls = tlsFailure(error);
  if (tls) return tls.hint;
  const code = codeOf(error);
  // Under `trust` a role that is missing comes with the same code.
  if (code === NO_HBA_LINE && !/pg_hba\.conf/.test(reasonOf(error))) {
    return 'Correct the user in the connection string, or see the log of that Postgres.';
  }
  if (code === NO_HBA_LINE) {
    return 'Correct user and database in the connection string, or add a line for them and this address to pg_hba.conf of the server.';
  }
  if (code === '28P01') return 'Correct the password in the connection string, PGPASSWORD or the passfile.';
  if (code === '3D000') return 'Correct the database name in the connection string.';
  if (error instanceof NoPasswordError) return 'Give it in the connection string, PGPASSWORD or a passfile.';
  if (isRefusal(error)) return 'See the log of that Postgres.';
  if (code === 'ENOTFOUND') return 'Correct the host name in the connection string.';
  return 'Check that Postgres runs there, and that the host, the port and the firewall are right.';
}
