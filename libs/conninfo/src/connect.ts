import { EXIT, PgafError, type ExitStatus } from '@pgaf/core/errors';
import { formatDuration, type Milliseconds } from '@pgaf/core/durations';
import pg, { type Client, type ClientConfig } from 'pg';
import { clientConfigs, type Environment } from './client-config.js';
import { formatHost, type ConnInfo, type Host } from './conninfo.js';
import {
  fallsBackToNextAttempt,
  hintFor,
  mayMendItself,
  NoAnswerError,
  reasonOf,
  speaksNoTls,
  triesNextHost,
  UnwantedSessionError,
} from './failure.js';
import type { TargetSessionAttrs } from './keywords.js';
import { whyUnwanted } from './session-attrs.js';
import { readSessionFacts } from './session-facts.js';
import { noteWithoutTls } from './without-tls.js';

export interface ConnectOptions {
  /** The limit for each host, all its attempts together; a `connect_timeout` in the string wins over it. */
  readonly connectTimeoutMs: Milliseconds;
  /** For a string that names none. */
  readonly applicationName?: string;
  /** What we connect to, for messages; such as "the monitor". */
  readonly what?: string;
  /** The exit status of a failure; `EXIT.pgsql` when absent. */
  readonly exit?: ExitStatus;
  /** Settings of pg's client that no connection string can name. */
  readonly session?: Pick<
    ClientConfig,
    'statement_timeout' | 'lock_timeout' | 'idle_in_transaction_session_timeout' | 'types'
  >;
  /** Ends the attempt at once. */
  readonly signal?: AbortSignal;
  readonly env?: Environment;
}

export interface HostFailure {
  /** `host:port` */
  readonly host: string;
  readonly reason: string;
}

/** No host of the list let us in. Code `cannot-connect`. */
export class CannotConnectError extends PgafError {
  readonly failures: readonly HostFailure[];

  /** @param causes Of each failure; the last one ended the search. */
  constructor(options: ConnectOptions, failures: readonly HostFailure[], causes: readonly unknown[]) {
    const list = failures.map(({ host, reason }) => `${host}: ${reason}`).join('; ');
    const cause = causes.at(-1);
    super(`Cannot connect to ${options.what ?? 'Postgres'}: ${list}.`, {
      code: 'cannot-connect',
      exit: options.exit ?? EXIT.pgsql,
      hint: hintFor(cause),
      cause,
      // One host that comes up is enough, unless another one has refused us.
      mayMendItself: triesNextHost(cause) && causes.some(mayMendItself),
    });
    this.failures = failures;
  }
}

/** Ends the connection without a goodbye, which a frozen server would never read. */
export function destroy(client: Client): void {
  client.connection.stream.destroy();
}

/** Runs the work; the client is destroyed when the time is over or the caller gives up. */
async function bounded<T>(
  client: Client,
  ms: Milliseconds,
  options: ConnectOptions,
  limit: Milliseconds,
  work: () => Promise<T>,
): Promise<T> {
  let stop: (reason: Error) => void = () => undefined;
  const stopped = new Promise<never>((_, reject) => (stop = reject));
  const timer = setTimeout(() => stop(new NoAnswerError(`no answer within ${formatDuration(limit)}`)), ms);
  const abort = () => stop(new Error('given up'));
  options.signal?.addEventListener('abort', abort);
  try {
    options.signal?.throwIfAborted();
    return await Promise.race([work(), stopped]);
  } catch (error) {
    destroy(client);
    throw error;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', abort);
  }
}

async function open(client: Client, attrs: TargetSessionAttrs): Promise<void> {
  const facts = readSessionFacts(client);
  await client.connect();
  if (attrs === 'any') return;
  const unwanted = whyUnwanted(attrs, await facts());
  if (unwanted !== undefined) throw new UnwantedSessionError(unwanted);
}

async function connectHost(
  conninfo: ConnInfo,
  host: Host,
  attrs: TargetSessionAttrs,
  options: ConnectOptions,
): Promise<Client> {
  const own = conninfo.connectTimeout ?? 0;
  const limit = own > 0 ? own * 1000 : options.connectTimeoutMs;
  const deadline = performance.now() + limit;
  const { address, attempts } = await clientConfigs(conninfo, host, options.env ?? process.env);
  const name = conninfo.applicationName ?? options.applicationName;
  let refusal: unknown;
  for (const [i, { encryption, config }] of attempts.entries()) {
    const client = new pg.Client({
      ...config,
      ...options.session,
      ...(name === undefined ? {} : { application_name: name }),
    });
    // An idle client emits 'error' when its server dies; without a listener that would end the process.
    client.on('error', () => undefined);
    try {
      await bounded(client, Math.max(1, deadline - performance.now()), options, limit, () =>
        open(client, attrs),
      );
      return client;
    } catch (error) {
      if (speaksNoTls(error)) {
        noteWithoutTls(address, host.port);
        // It has refused plain text before: that is the reason.
        if (refusal !== undefined) throw refusal;
      }
      refusal = error;
      const last = i === attempts.length - 1;
      if (last || options.signal?.aborted || error instanceof UnwantedSessionError) throw error;
      if (!fallsBackToNextAttempt(error, encryption) || performance.now() >= deadline) throw error;
    }
  }
  throw new Error('no attempt was made');
}

/**
 * A connected client of the first host that lets us in and is what `target_session_attrs` wants, in the order of
 * the string. As in libpq a host that refuses our credentials ends the search.
 * The client ends itself by `client.end()`; a server's death is an 'error' event that the caller may listen to.
 * @throws CannotConnectError naming each host and its reason; UserError for a string that pgaf cannot honour
 */
export async function connect(conninfo: ConnInfo, options: ConnectOptions): Promise<Client> {
  const attrs = conninfo.targetSessionAttrs ?? 'any';
  const rounds: TargetSessionAttrs[] = attrs === 'prefer-standby' ? ['standby', 'any'] : [attrs];
  let failures: HostFailure[] = [];
  let causes: unknown[] = [];
  for (const round of rounds) {
    failures = [];
    causes = [];
    for (const host of conninfo.hosts) {
      try {
        return await connectHost(conninfo, host, round, options);
      } catch (error) {
        if (error instanceof PgafError) throw error;
        causes.push(error);
        failures.push({ host: formatHost(host), reason: reasonOf(error) });
        if (options.signal?.aborted || !triesNextHost(error)) {
          throw new CannotConnectError(options, failures, causes);
        }
      }
    }
  }
  throw new CannotConnectError(options, failures, causes);
}
