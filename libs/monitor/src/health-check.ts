import type { Milliseconds } from '@pgaf/core/durations';
import { BugError } from '@pgaf/core/errors';
import { tlsFailure } from '@pgaf/conninfo/tls-failure';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { logInPlain, startupMessage, type LoginAnswer, type LoginAttempt } from './plain-login.js';

/**
 * What one attempt to connect showed. `refused`: the host itself answered with a reset, so it is alive. `unknown`: the
 * attempt failed at this end, which says nothing of the node.
 */
export interface HealthCheck {
  readonly health: 'good' | 'bad' | 'unknown';
  readonly refused: boolean;
  readonly reason: string;
}

/** One attempt in plain, or with TLS; `required` TLS that fails is no answer of the node. */
export type Encryption = 'plain' | 'tls' | { readonly required: ConnectionOptions };

const ROLE = 'pgautofailover_monitor';
const DATABASE = 'postgres';
const APPLICATION_NAME = 'pgaf health check';
const STARTUP = startupMessage({ user: ROLE, database: DATABASE, application_name: APPLICATION_NAME });

/** The server is there but out of connections, or this role's only one has not quite ended: it is alive. */
const TOO_MANY_CONNECTIONS = '53300';
/** No line of pg_hba.conf fits: with TLS one may. */
const NO_HBA_ENTRY = '28000';
/** What this host lacks: descriptors, memory, ports, an answer of its resolver. */
const FAILURES_HERE = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EAI_AGAIN']);
/** A timer that comes later than this: the process was held up, and the answer may be there unread. */
const HELD_UP: Milliseconds = 200;

type Address = { readonly host: string; readonly port: number };

const GOOD = { health: 'good', refused: false, reason: 'connected', tryOtherEncryption: false } as const;

/**
 * Connects to a node's Postgres as the health-check role and leaves again. Good is a session that is fully
 * established; a server that starts up, shuts down or turns us away is bad.
 */
export async function checkHealth(
  node: Address,
  encryption: Encryption,
  timeout: Milliseconds,
): Promise<HealthCheck & { readonly tryOtherEncryption: boolean }> {
  const begun = performance.now();
  let waited: Milliseconds | null = null;
  const attempts = encryption === 'plain' ? [inPlain, withClient] : [withClient];
  let attempt: LoginAttempt | null = null;
  const timer = setTimeout(() => {
    waited = performance.now() - begun;
    attempt?.giveUp();
  }, timeout);
  try {
    for (const begin of attempts) {
      attempt = begin(node, encryption);
      const answer = await attempt.answer;
      if (answer.tag === 'in') return GOOD;
      if (waited !== null) {
        const health = waited > timeout + HELD_UP ? 'unknown' : 'bad';
        return { health, refused: false, reason: 'no answer in time', tryOtherEncryption: false };
      }
      if (answer.tag === 'error') return classify(answer.error, encryption);
    }
    throw new BugError('the last attempt to log in answers every question');
  } finally {
    clearTimeout(timer);
  }
}

function inPlain({ host, port }: Address): LoginAttempt {
  return logInPlain(host, port, STARTUP);
}

/** Also where the server asks for TLS, or for a password. */
function withClient({ host, port }: Address, encryption: Encryption): LoginAttempt {
  const client = new pg.Client({
    host,
    port,
    user: ROLE,
    password: ROLE,
    database: DATABASE,
    application_name: APPLICATION_NAME,
    ssl: sslOf(encryption),
  });
  client.on('error', () => undefined);
  const answer = client.connect().then(
    (): LoginAnswer => ({ tag: 'in' }),
    (error: unknown): LoginAnswer => ({ tag: 'error', error }),
  );
  void answer.then(() => client.end()).catch(() => undefined);
  return { answer, giveUp: () => client.connection.stream.destroy() };
}

function sslOf(encryption: Encryption): ConnectionOptions | false {
  if (encryption === 'plain') return false;
  return encryption === 'tls' ? { rejectUnauthorized: false } : encryption.required;
}

function classify(error: unknown, encryption: Encryption): HealthCheck & { tryOtherEncryption: boolean } {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const reason = error instanceof Error ? error.message : String(error);
  if (code === TOO_MANY_CONNECTIONS) {
    return { health: 'good', refused: false, reason, tryOtherEncryption: false };
  }
  if (typeof code === 'string' && FAILURES_HERE.has(code)) {
    return { health: 'unknown', refused: false, reason, tryOtherEncryption: false };
  }
  const noTls = code === undefined && /does not support SSL/.test(reason);
  if (typeof encryption === 'object') {
    // The node answers; that it cannot be recognised says nothing of its health.
    const unrecognised = tlsFailure(error);
    if (unrecognised || noTls) {
      const why = unrecognised?.reason ?? 'it does not speak TLS, which the sslmode of the monitor asks for';
      return { health: 'unknown', refused: false, reason: why, tryOtherEncryption: false };
    }
  }
  const refused = code === 'ECONNREFUSED' || code === 'ECONNRESET';
  return {
    health: 'bad',
    refused,
    reason,
    tryOtherEncryption: typeof encryption !== 'object' && (code === NO_HBA_ENTRY || noTls),
  };
}
