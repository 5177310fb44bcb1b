import { EXIT, UserError } from '@pgaf/core/errors';
import type { LocalClient, LocalServer } from './query.js';
import { localClient } from './query.js';
import { settingErrors } from './setting-sources.js';
import { until } from './until.js';

/** A moment by Postgres's clock, as text. */
export type ServerTime = string;

const POLL_MS = 2;
const LOOK_FOR_ERRORS_AFTER_MS = 200;

/** One round trip, as an outage may wait for it; the moment is taken before the reload is asked for. */
const RELOAD = `
WITH before AS MATERIALIZED (SELECT clock_timestamp() AS moment)
SELECT moment::text AS before, pg_reload_conf() FROM before`;

/** Has Postgres read its files again; returns the moment before, for `awaitReloaded`. */
export async function reload(client: LocalClient): Promise<ServerTime> {
  const [row] = await client.query<{ before: string }>(RELOAD);
  return row?.before ?? '';
}

/** See `inReloadedSession`. */
export async function awaitReloaded(
  server: LocalServer,
  since: ServerTime,
  signal?: AbortSignal,
): Promise<void> {
  await inReloadedSession(server, since, signal, () => Promise.resolve());
}

/**
 * Waits until the postmaster has read its files after `since` *and* has told each of its children to. Seen on a new
 * connection each time: a process that the postmaster forked after its reload shows a load time between `since` and
 * its own start, and the postmaster tells its children before it forks again. A connection that stood before proves
 * only that it was told itself. The one that proved it goes on to do the work.
 * @throws UserError `setting-refused` with file and line when Postgres cannot apply its files; an Error when the clock
 * was set back meanwhile, by which nothing can be told then: reload anew.
 */
export async function inReloadedSession<T>(
  server: LocalServer,
  since: ServerTime,
  signal: AbortSignal | undefined,
  work: (client: LocalClient) => Promise<T>,
): Promise<T> {
  const begun = performance.now();
  const client = await until(
    async () => {
      const candidate = localClient(server);
      const isTold = await wasForkedAfterReload(candidate, since, begun).catch(async (error: unknown) => {
        await candidate.close();
        throw error;
      });
      // Who gave up has nobody to close it.
      if (isTold && !signal?.aborted) return candidate;
      await candidate.close();
      return undefined;
    },
    { everyMs: POLL_MS, signal },
  );
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

async function wasForkedAfterReload(client: LocalClient, since: ServerTime, begun: number): Promise<boolean> {
  const [row] = await client.query<{ told: boolean; isEarlier: boolean }>(
    `SELECT pg_conf_load_time() > $1::timestamptz AND pg_conf_load_time() <= backend_start AS told,
            backend_start < $1::timestamptz AS "isEarlier"
       FROM pg_stat_activity WHERE pid = pg_backend_pid()`,
    [since],
  );
  if (row?.told) return true;
  if (row?.isEarlier) throw new Error('The clock was set back since Postgres was asked to read its files.');
  if (performance.now() - begun > LOOK_FOR_ERRORS_AFTER_MS) await refuseErrors(client);
  return false;
}

async function refuseErrors(client: LocalClient): Promise<void> {
  const [first] = await settingErrors(client);
  if (!first) return;
  throw new UserError(`Postgres refuses ${first.name} at ${first.file}:${first.line}: ${first.error}.`, {
    code: 'setting-refused',
    exit: EXIT.reload,
    hint: `Mend that line; Postgres goes on with its old settings until then.`,
  });
}

/** `reload` and `awaitReloaded` in one. */
export async function reloadAndWait(
  client: LocalClient,
  server: LocalServer,
  signal?: AbortSignal,
): Promise<void> {
  await awaitReloaded(server, await reload(client), signal);
}
