import { EXIT, UserError } from '@pgaf/core/errors';
import { CannotConnectError, connect, destroy } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { upstreamConninfo } from '@pgaf/postgres/upstream';
import type { Peer } from '@pgaf/monitor-client/reports';
import type { NodeConfig } from '../node-config.js';
import { upstreamOf } from './upstream-of.js';

export type SourceClient = Awaited<ReturnType<typeof connect>>;

/**
 * Works on the node that this one copies or rewinds from; ends at once when `signal` is aborted.
 * @throws PgafError when it does not answer, or is no primary; UserError when it refuses our password.
 */
export async function withSource<T>(
  config: NodeConfig,
  source: Peer,
  signal: AbortSignal,
  work: (client: SourceClient) => Promise<T>,
): Promise<T> {
  const conninfo = parseConnInfo(upstreamConninfo(await upstreamOf(config, source), 'pgaf keeper'));
  const client = await connect(
    { ...conninfo, targetSessionAttrs: 'read-write' },
    { connectTimeoutMs: 2000, what: `node ${source.id} "${source.name}"`, exit: EXIT.pgsql, signal },
  ).catch((error: unknown) => {
    throw isRefusedPassword(error) ? refusedPassword(error, config.configPath) : error;
  });
  // A query would wait for a frozen source, and so would a goodbye.
  const abort = (): void => destroy(client);
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    return await work(client);
  } finally {
    signal.removeEventListener('abort', abort);
    if (signal.aborted) destroy(client);
    else await client.end();
  }
}

/** SQLSTATE invalid_password. A line of pg_hba.conf that is missing still is none: the primary may be about to write it. */
function isRefusedPassword(error: unknown): error is CannotConnectError {
  return error instanceof CannotConnectError && (error.cause as { code?: unknown } | null)?.code === '28P01';
}

function refusedPassword(cause: CannotConnectError, configPath: string): UserError {
  return new UserError(cause.message, {
    code: 'replication-password-refused',
    exit: EXIT.pgsql,
    hint: `Set replication.password in ${configPath} to that of the other nodes, or run the create of this node again with another --replication-password-file.`,
    cause,
  });
}
