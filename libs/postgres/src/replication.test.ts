import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { formatLsn, parseLsn } from '@pgaf/core/lsn';
import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { expect, test } from 'vitest';
import { confirmSyncNames } from './confirm-sync-names.js';
import { endOfFlushedWal, finalLsn } from './final-lsn.js';
import { awaitNoWalReceiver } from './no-wal-receiver.js';
import { observe } from './observe.js';
import { adoptPostmaster } from './postmaster.js';
import { promote } from './promote.js';
import { postgresProcessesOf } from './processes.js';
import { reload, reloadAndWait } from './reload.js';
import { advanceSlots, dropInactiveSlots, ensureSlots } from './slots.js';
import { clearStandbyMode, receivePosition, writeStandbyMode } from './standby.js';
import { stopPostmaster } from './stop-postmaster.js';
import { renderSyncNames, writeSyncNames, type Quorum } from './sync-names.js';
import { awaitReplayed, awaitStreaming, newPrimary, newStandby, within } from './testing/servers.js';
import { walFileName } from './wal-position.js';

test('observes both sides, follows the final LSN of a clean stop, promotes', async () => {
  const primary = await newPrimary();
  const standby = await newStandby(primary);
  await primary.client.query('CREATE TABLE t AS SELECT generate_series(1, 1000) AS n');
  const first = await observe(primary.client);
  expect(first).toMatchObject({
    inRecovery: false,
    timeline: 1,
    walReceiver: null,
    syncState: 'async',
    serverVersion: expect.any(Number),
  });
  expect(first.replication[0]).toMatchObject({ nodeId: 2, state: 'streaming' });
  await awaitReplayed(standby.client, first.lsn);
  const other = await observe(standby.client);
  expect(other).toMatchObject({
    inRecovery: true,
    timeline: 1,
    replication: [],
  });
  expect(other.walReceiver).toMatchObject({ status: 'streaming', receivedTimeline: 1 });
  expect(other.primaryConninfo).toContain('application_name=pgautofailover_standby_2');

  expect(await stopPostmaster(primary.pgdata, { mode: 'fast' })).toBe('fast');
  const final = await finalLsn(primary.bindir, primary.pgdata);
  const all = await within(5000, async () => {
    const now = await observe(standby.client);
    return now.lsn >= final ? now : undefined;
  });
  expect(formatLsn(all.lsn)).toBe(formatLsn(final));

  const promoted = await promote(standby.client, standby.pgdata);
  expect(promoted).toEqual({ timeline: 2, history: [{ timeline: 1, switchpoint: final }], intact: true });
  expect(await promote(standby.client, standby.pgdata)).toEqual({ ...promoted, intact: false });
  expect(await observe(standby.client)).toMatchObject({ inRecovery: false, timeline: 2 });
  await clearStandbyMode(standby.pgdata);
  await reload(standby.client);
  const refused = 'SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL';
  expect(await standby.client.query(refused)).toEqual([]);
});

test('the final LSN is not reached by a standby that misses the shutdown checkpoint', async () => {
  const primary = await newPrimary();
  const standby = await newStandby(primary);
  await primary.client.query('CREATE TABLE t AS SELECT generate_series(1, 1000) AS n');
  const written = await observe(primary.client);
  await awaitReplayed(standby.client, written.lsn);
  await writeStandbyMode(standby.pgdata, 2, undefined);
  await reloadAndWait(standby.client, standby.server);
  await awaitNoWalReceiver(standby.client, AbortSignal.timeout(10_000));
  const { lsn } = await observe(standby.client);
  await stopPostmaster(primary.pgdata, { mode: 'fast' });
  expect(lsn).toBeLessThan(await finalLsn(primary.bindir, primary.pgdata));
  // A standby's own final LSN is the end of its WAL.
  await stopPostmaster(standby.pgdata, { mode: 'fast' });
  expect(formatLsn(await finalLsn(standby.bindir, standby.pgdata))).toBe(formatLsn(lsn));
});

test('after an immediate stop the WAL ends at or past all that was flushed, and not far', async () => {
  const primary = await newPrimary();
  const before = await observe(primary.client);
  await primary.client.query('CREATE TABLE t AS SELECT generate_series(1, 1000) AS n');
  const flushed = await observe(primary.client);
  await stopPostmaster(primary.pgdata, { mode: 'immediate' });
  const { bindir, pgdata } = primary;
  const end = await endOfFlushedWal(bindir, pgdata, before);
  expect(end).toBeGreaterThanOrEqual(flushed.lsn);
  expect(end - flushed.lsn).toBeLessThan(100_000n);
  // From where nothing follows, or in the middle of a record, it is found as well.
  expect(await endOfFlushedWal(bindir, pgdata, { lsn: end, timeline: 1 })).toBe(end);
  expect(await endOfFlushedWal(bindir, pgdata, { lsn: before.lsn + 9n, timeline: 1 })).toBe(end);
});

test('nor does it end before a record of which no more than the first pages were seen to be flushed', async () => {
  const primary = await newPrimary();
  const { bindir, pgdata, client } = primary;
  const { lsn: begun } = await observe(client);
  const [row] = await client.query<{ lsn: string }>(
    `SELECT pg_logical_emit_message(false, 'test', repeat('x', 100000))::text AS lsn`,
  );
  const end = parseLsn(row?.lsn ?? '');
  await client.query('CREATE TABLE t (n int)');
  await stopPostmaster(pgdata, { mode: 'immediate' });
  // As if nothing had come after it.
  const segment = 16n << 20n;
  const file = await open(join(pgdata, 'pg_wal', walFileName(1, begun, Number(segment))), 'r+');
  const rest = Number(segment - (end % segment));
  await file.write(Buffer.alloc(rest), 0, rest, Number(end % segment));
  await file.close();
  const page = begun - (begun % 8192n) + 5n * 8192n;
  expect(page).toBeLessThan(end);
  expect(formatLsn(await endOfFlushedWal(bindir, pgdata, { lsn: page, timeline: 1 }))).toBe(formatLsn(end));
});

test('a standby leaves its upstream and follows it again by reload', async () => {
  const primary = await newPrimary();
  const standby = await newStandby(primary);
  const before = await adoptPostmaster(standby.pgdata);
  expect(await writeStandbyMode(standby.pgdata, 2, undefined)).toBe('changed');
  await reloadAndWait(standby.client, standby.server);
  await awaitNoWalReceiver(standby.client, AbortSignal.timeout(10_000));
  const position = await receivePosition(standby.client);
  await primary.client.query('CREATE TABLE after_leaving (n int)');
  expect(await receivePosition(standby.client)).toEqual(position);
  expect(await writeStandbyMode(standby.pgdata, 2, primary.upstream)).toBe('changed');
  expect(await writeStandbyMode(standby.pgdata, 2, primary.upstream)).toBe('unchanged');
  await reloadAndWait(standby.client, standby.server);
  await awaitStreaming(primary);
  expect(before?.isAlive()).toBe(true);
});

test('a walreceiver that does not end is waited for', async () => {
  const primary = await newPrimary();
  const standby = await newStandby(primary);
  const [receiver] = await standby.client.query<{ pid: number }>('SELECT pid FROM pg_stat_wal_receiver');
  await freezeAtRest(pidOf(receiver));
  await writeStandbyMode(standby.pgdata, 2, undefined);
  await reload(standby.client);
  await expect(awaitNoWalReceiver(standby.client, AbortSignal.timeout(1000))).rejects.toThrow('timeout');
  process.kill(pidOf(receiver), 'SIGCONT');
  await awaitNoWalReceiver(standby.client, AbortSignal.timeout(10_000));
  expect(await standby.client.query('SELECT FROM pg_stat_wal_receiver')).toEqual([]);
});

test('a quorum is confirmed only when its members answer', async () => {
  const primary = await newPrimary();
  const standby = await newStandby(primary);
  const quorum: Quorum = { count: 1, members: [2] };
  expect(await writeSyncNames(primary.pgdata, quorum)).toBe('changed');
  const lsn = await confirmSyncNames({
    server: primary.server,
    since: await reload(primary.client),
    quorum,
    signal: AbortSignal.timeout(10_000),
  });
  const seen = await observe(primary.client);
  expect(seen).toMatchObject({ syncState: 'quorum', synchronousStandbyNames: renderSyncNames(quorum) });
  expect(seen.replication[0]?.flushLsn ?? 0n).toBeGreaterThanOrEqual(lsn);

  // To none and back, under a load of commits.
  let more = true;
  const load = (async () => {
    while (more) await primary.client.query(`SELECT pg_logical_emit_message(true, 'load', 'x')`);
  })();
  for (const next of [{ count: 0, members: [] }, quorum, { count: 0, members: [2] }, quorum]) {
    await writeSyncNames(primary.pgdata, next);
    await confirmSyncNames({
      server: primary.server,
      since: await reload(primary.client),
      quorum: next,
      signal: AbortSignal.timeout(10_000),
    });
  }
  more = false;
  await load;

  const frozen = postgresProcessesOf(standby.pgdata);
  for (const { pid } of frozen) process.kill(pid, 'SIGSTOP');
  await writeSyncNames(primary.pgdata, { count: 1, members: [2, 3] });
  const reported: (readonly number[])[] = [];
  const waiting = confirmSyncNames({
    server: primary.server,
    since: await reload(primary.client),
    quorum: { count: 1, members: [2, 3] },
    onProgress: (flushed) => reported.push(flushed),
    signal: AbortSignal.timeout(1500),
  });
  await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(reported).toEqual([]);
  // Who gave up has asked its statement to end.
  await within(5000, async () => {
    const left = await primary.client.query(`SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`);
    return left.length === 0 ? true : undefined;
  });
  for (const { pid } of frozen) process.kill(pid, 'SIGCONT');
  await confirmSyncNames({
    server: primary.server,
    since: await reload(primary.client),
    quorum: { count: 1, members: [2, 3] },
    signal: AbortSignal.timeout(20_000),
  });
});

test('a quorum is not confirmed before the checkpointer has made commits wait', async () => {
  const primary = await newPrimary();
  await newStandby(primary);
  const [row] = await primary.client.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`,
  );
  const quorum: Quorum = { count: 1, members: [2] };
  await freezeAtRest(pidOf(row));
  try {
    await writeSyncNames(primary.pgdata, quorum);
    const early = confirmSyncNames({
      server: primary.server,
      since: await reload(primary.client),
      quorum,
      signal: AbortSignal.timeout(1500),
    });
    await expect(early).rejects.toMatchObject({ name: 'TimeoutError' });
  } finally {
    process.kill(pidOf(row), 'SIGCONT');
  }
  await confirmSyncNames({
    server: primary.server,
    since: await reload(primary.client),
    quorum,
    signal: AbortSignal.timeout(10_000),
  });
});

test('a reload of later than now, as by a clock that was set back, is not waited for', async () => {
  const primary = await newPrimary();
  const quorum: Quorum = { count: 0, members: [] };
  const [row] = await primary.client.query<{ later: string }>(
    `SELECT (clock_timestamp() + interval '1 hour')::text AS later`,
  );
  const signal = AbortSignal.timeout(10_000);
  const waiting = confirmSyncNames({ server: primary.server, since: row?.later ?? '', quorum, signal });
  await expect(waiting).rejects.toThrow('The clock was set back');
});

test('a quorum that a foreign line overrides is refused with its place', async () => {
  const primary = await newPrimary();
  await primary.client.query(`ALTER SYSTEM SET synchronous_standby_names = 'other'`);
  await writeSyncNames(primary.pgdata, { count: 1, members: [2] });
  const refused = await confirmSyncNames({
    server: primary.server,
    since: await reload(primary.client),
    quorum: { count: 1, members: [2] },
  }).catch((e: unknown) => e);
  expect(refused).toMatchObject({ code: 'foreign-setting' });
  expect(String(refused)).toMatch(/postgresql\.auto\.conf:\d+/);
});

test('slots are created, advanced and dropped', async () => {
  const primary = await newPrimary();
  const standby = await newStandby(primary);
  expect(await ensureSlots(primary.client, [2, 3])).toEqual({
    created: ['pgautofailover_standby_3'],
    dropped: [],
    inUse: [],
  });
  expect(await ensureSlots(primary.client, [2])).toEqual({
    created: [],
    dropped: ['pgautofailover_standby_3'],
    inUse: [],
  });
  // In use: kept, though unknown.
  expect(await ensureSlots(primary.client, [])).toEqual({
    created: [],
    dropped: [],
    inUse: ['pgautofailover_standby_2'],
  });
  expect((await ensureSlots(standby.client, [1, 3])).created).toHaveLength(2);
  await primary.client.query('CREATE TABLE t AS SELECT generate_series(1, 1000) AS n');
  const { lsn } = await observe(primary.client);
  await awaitReplayed(standby.client, lsn);
  await advanceSlots(standby.client, [
    { nodeId: 1, lsn },
    { nodeId: 3, lsn: 0n },
    { nodeId: 4, lsn },
  ]);
  const rows = await standby.client.query<{ lsn: string }>(
    `SELECT restart_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = 'pgautofailover_standby_1'`,
  );
  expect(rows).toEqual([{ lsn: formatLsn(lsn) }]);
  expect(await dropInactiveSlots(standby.client)).toHaveLength(2);
});
