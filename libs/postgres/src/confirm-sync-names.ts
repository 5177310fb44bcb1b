import { EXIT, UserError } from '@pgaf/core/errors';
import { parseLsn, type Lsn } from '@pgaf/core/lsn';
import { checkpoint } from './checkpoint.js';
import { standbyName } from './names.js';
import { localClient, withConnection, type LocalClient, type LocalServer } from './query.js';
import { inReloadedSession, type ServerTime } from './reload.js';
import { renderSyncNames, type Quorum } from './sync-names.js';
import { orAborted, until } from './until.js';

export interface Confirmation {
  readonly server: LocalServer;
  /** What `writeSyncNames` wrote. */
  readonly quorum: Quorum;
  /** From `reload`, which was asked for after the setting was written. */
  readonly since: ServerTime;
  /** Called when other members than before have flushed what must be. */
  readonly onProgress?: ((flushed: readonly number[]) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const POLL_MS = 5;
/** A commit of ours can be acknowledged before anyone sees it wait; after as many, a checkpoint is the proof. */
const PROBES = 6;
/** Longer messages wait longer for a standby. */
const PROBE_BYTES = 1024;

/**
 * Waits until `quorum` is in force for every commit from now on, and until what was committed before
 * is flushed by `count` of its members. Rejects only when aborted, or when the setting cannot be applied; a standby
 * that does not answer makes it wait.
 *
 * Why that is so, by who applies the setting:
 * 1. *Walsenders* release commits, each by its own copy of the setting. They look for a reload at the start of
 *    each round of their loop; in a round they read replies first and send WAL last. `inReloadedSession` begins once the
 *    signal is pending at each of them. WAL inserted later is sent in a later round or the same, so the reply to
 *    it is read after a reload. Commits after this point are released by the new setting only.
 * 2. *The checkpointer* publishes whether commits wait at all. Seen asleep after 1, it is not in the middle of
 *    applying an older file, and whatever it reads now is the new one; then a commit of ours that is seen waiting
 *    proves that commits do wait, and that this stays. A checkpoint requested now proves the same: before it begins, the
 *    checkpointer applies a pending reload; but it may take minutes, so it is the second choice.
 * 3. *What came before*: L is the insert position after 1 and 2. Something is committed after L, so that L is
 *    flushed here and a flush position past it can only come from a new reply; `count` members must show one.
 *
 * @returns L.
 * @throws UserError `foreign-setting` when the setting is not the one of the quorum after the reload.
 */
export async function confirmSyncNames(confirmation: Confirmation): Promise<Lsn> {
  const { quorum, server, since, signal } = confirmation;
  return inReloadedSession(server, since, signal, async (client) => {
    await requireSetting(client, renderSyncNames(quorum));
    // This session must wait for no standby: it asks how far they are.
    await client.query(`SET synchronous_commit = 'local'`);
    if (quorum.count === 0) return insertLsn(client);
    const probe = localClient({ ...server, statementTimeoutMs: 0 });
    try {
      const seen = await orAborted(isCommitSeenWaiting(client, probe, signal), signal);
      if (!seen) await orAborted(checkpoint(server), signal);
      const lsn = await insertLsn(client);
      await awaitFlushed(client, confirmation);
      return lsn;
    } finally {
      await endProbe(server, probe);
    }
  });
}

async function insertLsn(client: LocalClient): Promise<Lsn> {
  const [row] = await client.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
  return parseLsn(row?.lsn ?? '');
}

async function requireSetting(client: LocalClient, wanted: string): Promise<void> {
  const [row] = await client.query<{ setting: string; place: string }>(
    `SELECT setting, coalesce(sourcefile || ':' || sourceline, source) AS place
       FROM pg_settings WHERE name = 'synchronous_standby_names'`,
  );
  if (row?.setting === wanted) return;
  throw new UserError(
    `synchronous_standby_names is '${row?.setting}' by ${row?.place}, and must be '${wanted}'.`,
    {
      code: 'foreign-setting',
      exit: EXIT.badConfiguration,
      hint: 'Remove that line; for postgresql.auto.conf, run ALTER SYSTEM RESET synchronous_standby_names.',
    },
  );
}

/** A probe's application_name, by which it is found again. */
const PROBE_NAME = 'pgaf confirms synchronous_standby_names';

const SEEN_WAITING = `
SELECT EXISTS (SELECT FROM pg_stat_activity
                WHERE pid = $1 AND wait_event_type = 'IPC' AND wait_event = 'SyncRep') AS yes`;

const CHECKPOINTER_ASLEEP = `
SELECT EXISTS (SELECT FROM pg_stat_activity
                WHERE backend_type = 'checkpointer' AND wait_event IN ('CheckpointerMain', 'CheckpointWriteDelay')) AS yes`;

async function isTrue(client: LocalClient, sql: string, values: readonly unknown[] = []): Promise<boolean> {
  const [row] = await client.query<{ yes: boolean }>(sql, values);
  return row?.yes === true;
}

/** Part 2 of the proof. False when each commit was acknowledged before it was seen. */
async function isCommitSeenWaiting(
  client: LocalClient,
  probe: LocalClient,
  signal?: AbortSignal,
): Promise<boolean> {
  await probe.query(
    `SET application_name = '${PROBE_NAME}'; SET statement_timeout = 0; SET synchronous_commit = 'on'`,
  );
  const [own] = await probe.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  for (let attempt = 0; attempt < PROBES; attempt++) {
    await until(async () => (await isTrue(client, CHECKPOINTER_ASLEEP)) || undefined, {
      everyMs: POLL_MS,
      signal,
    });
    let answered = false;
    const size = PROBE_BYTES << (2 * attempt);
    const commit = probe
      .query(`SELECT pg_logical_emit_message(true, 'pgaf', repeat(' ', $1))`, [size])
      .then(() => (answered = true));
    commit.catch(() => (answered = true));
    while (!answered) {
      signal?.throwIfAborted();
      if (await isTrue(client, SEEN_WAITING, [own?.pid])) return true;
    }
    await commit;
  }
  return false;
}

const FLUSHED = `
SELECT application_name AS name FROM pg_stat_replication
 WHERE application_name = ANY ($1) AND state = 'streaming' AND flush_lsn >= $2::pg_lsn`;

async function awaitFlushed(
  client: LocalClient,
  { quorum, onProgress, signal }: Confirmation,
): Promise<void> {
  await client.query(`SELECT pg_logical_emit_message(true, 'pgaf', '')`);
  const [row] = await client.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn');
  const byName = new Map(quorum.members.map((id) => [standbyName(id), id]));
  let before = '';
  await until(
    async () => {
      const rows = await client.query<{ name: string }>(FLUSHED, [[...byName.keys()], row?.lsn]);
      const flushed = [...new Set(rows.map(({ name }) => name))]
        .map((name) => byName.get(name) ?? 0)
        .toSorted((a, b) => a - b);
      if (flushed.join() !== before) onProgress?.(flushed);
      before = flushed.join();
      return flushed.length >= quorum.count ? true : undefined;
    },
    { everyMs: POLL_MS, signal },
  );
}

/** A probe that nobody acknowledged would wait for ever, its client gone or not. It carries no data, so it may be cancelled. */
async function endProbe(server: LocalServer, probe: LocalClient): Promise<void> {
  const cancel = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND wait_event = 'SyncRep'`;
  await withConnection(server, (client) => client.query(cancel, [PROBE_NAME])).catch(() => []);
  await probe.close();
}
