import { parseLsn, type Lsn } from '@pgaf/core/lsn';
import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { expect, onTestFinished, test, vi } from 'vitest';
import { readControlData } from './control-data.js';
import { finalLsn } from './final-lsn.js';
import { findPostmaster } from './find-postmaster.js';
import { standbyName } from './names.js';
import { postgresProcessesOf } from './processes.js';
import { stopPostmaster, type Stopped } from './stop-postmaster.js';
import { newPrimary, newStandby, within, type TestServer } from './testing/servers.js';
import { freezeTurnedAway } from './testing/turned-away.js';

test('a fast stop cuts off a standby that hangs when it is told to, and is clean', async () => {
  const primary = await newPrimary();
  const standby = await newStandby(primary);
  await primary.client.query('ALTER SYSTEM SET wal_sender_timeout = 0');
  await primary.client.query('SELECT pg_reload_conf()');
  const [receiver] = await standby.client.query<{ pid: number }>('SELECT pid FROM pg_stat_wal_receiver');
  process.kill(pidOf(receiver), 'SIGSTOP');
  try {
    // More than the network takes on the way, so that the walsender waits in the middle of a message.
    await primary.client.query(
      'CREATE TABLE t AS SELECT n, repeat(n::text, 20) FROM generate_series(1, 300000) n',
    );
    const begun = performance.now();
    expect(await stopPostmaster(primary.pgdata, { mode: 'fast', cutStreamsAfterMs: 300 })).toBe('fast');
    expect(performance.now() - begun).toBeGreaterThan(300);
  } finally {
    process.kill(pidOf(receiver), 'SIGCONT');
  }
  expect(postgresProcessesOf(primary.pgdata)).toEqual([]);
  expect(await finalLsn(primary.bindir, primary.pgdata)).toBeGreaterThan(0n);
});

test('a fast stop waits for one standby, and not for another that it is told not to wait for', async () => {
  const primary = await newPrimary();
  const hanging = await newStandby(primary, 2);
  const waitedFor = await newStandby(primary, 3);
  await primary.client.query('ALTER SYSTEM SET wal_sender_timeout = 0');
  await primary.client.query('SELECT pg_reload_conf()');
  const [receiver] = await hanging.client.query<{ pid: number }>('SELECT pid FROM pg_stat_wal_receiver');
  process.kill(pidOf(receiver), 'SIGSTOP');
  try {
    const [sender] = await primary.client.query<{ pid: number }>(
      'SELECT pid FROM pg_stat_replication WHERE application_name = $1',
      [standbyName(2)],
    );
    expect(await stopPostmaster(primary.pgdata, { mode: 'fast', cutAtOnce: [pidOf(sender)] })).toBe('fast');
  } finally {
    process.kill(pidOf(receiver), 'SIGCONT');
  }
  expect(await receivedBy(waitedFor)).toBe(await finalLsn(primary.bindir, primary.pgdata));
});

test('a primary has shut down when its standby has all, also while its postmaster still turns somebody away', async () => {
  const primary = await newPrimary();
  const standby = await newStandby(primary);
  const postmaster = (await findPostmaster(primary.pgdata))?.pid ?? 0;
  const [receiver] = await standby.client.query<{ pid: number }>('SELECT pid FROM pg_stat_wal_receiver');
  await freezeAtRest(pidOf(receiver));
  const heard = { end: '' };
  let later: Promise<Stopped> | undefined;
  const stop = stopPostmaster(primary.pgdata, { mode: 'fast', until: 'shut down' });
  void stop.then((end) => (heard.end = end));
  await within(10_000, async () => {
    const { state } = await readControlData(primary.bindir, primary.pgdata);
    return state === 'shut down' ? true : undefined;
  });
  const turnedAway = await freezeTurnedAway(postmaster, primary.server.port);
  expect(heard.end).toBe('');
  process.kill(pidOf(receiver), 'SIGCONT');
  try {
    expect(await stop).toBe('shut down');
    expect((await findPostmaster(primary.pgdata))?.pid).toBe(postmaster);
    expect(await receivedBy(standby)).toBe(await finalLsn(primary.bindir, primary.pgdata));
    // Who comes later has not seen it shut down, and waits for its end.
    const signals = vi.spyOn(process, 'kill');
    onTestFinished(() => signals.mockRestore());
    later = stopPostmaster(primary.pgdata, { mode: 'fast', until: 'shut down' });
    await vi.waitFor(() => expect(signals).toHaveBeenCalledWith(postmaster, 'SIGINT'), 10_000);
  } finally {
    turnedAway.release();
  }
  expect(await later).toBe('fast');
  expect(postgresProcessesOf(primary.pgdata)).toEqual([]);
});

async function receivedBy(standby: TestServer): Promise<Lsn> {
  const [row] = await standby.client.query<{ lsn: string }>('SELECT pg_last_wal_receive_lsn()::text AS lsn');
  return parseLsn(row?.lsn ?? '0/0');
}
