import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cleanEndOf, type CleanEnd } from './clean-end.js';
import { readControlData } from './control-data.js';
import { observe } from './observe.js';
import { promote } from './promote.js';
import { rewind } from './rewind.js';
import { ensureSlots } from './slots.js';
import { clearStandbyMode } from './standby.js';
import { stopPostmaster } from './stop-postmaster.js';
import { localTimelinesOf } from './stray-timelines.js';
import {
  awaitReplayed,
  follow,
  lineOf,
  newPrimary,
  newStandby,
  start,
  type TestServer,
} from './testing/servers.js';
import { walFileName } from './wal-position.js';

async function endOf({ bindir, pgdata }: TestServer, primary: TestServer): Promise<CleanEnd> {
  const control = await readControlData(bindir, pgdata);
  return cleanEndOf(pgdata, control, await localTimelinesOf(pgdata, control), await lineOf(primary));
}

test('a primary that was stopped before the promotion ends where the next one goes on, and so does that one', async () => {
  const first = await newPrimary();
  const second = await newStandby(first);
  await first.client.query('CREATE TABLE t AS SELECT 1 AS n');
  await stopPostmaster(first.pgdata, { mode: 'fast' });
  await promote(second.client, second.pgdata);
  expect(await endOf(first, second)).toBe('there');

  await ensureSlots(second.client, [1]);
  await follow(first, second);
  await second.client.query('INSERT INTO t VALUES (2)');
  await awaitReplayed(first.client, (await observe(second.client)).lsn);
  await stopPostmaster(second.pgdata, { mode: 'fast' });
  await promote(first.client, first.pgdata);
  expect(await endOf(second, first)).toBe('there');

  const { timeline, checkpointLsn, segmentSize } = await readControlData(second.bindir, second.pgdata);
  await rm(join(second.pgdata, 'pg_wal', walFileName(timeline, checkpointLsn, segmentSize)));
  expect(await endOf(second, first)).toBe('unknown');
});

test('of one that wrote after the promotion nothing is known, nor of one that may have', async () => {
  const old = await newPrimary();
  const next = await newStandby(old);
  await promote(next.client, next.pgdata);
  expect(await endOf(old, next)).toBe('unknown');
  await stopPostmaster(old.pgdata, { mode: 'immediate' });
  expect(await endOf(old, next)).toBe('unknown');
  await start(old);
  await stopPostmaster(old.pgdata, { mode: 'fast' });
  expect(await endOf(old, next)).toBe('unknown');
});

test('nor of one that was promoted to the same timeline by itself', async () => {
  const primary = await newPrimary();
  const one = await newStandby(primary);
  const other = await newStandby(primary, 3);
  await stopPostmaster(primary.pgdata, { mode: 'fast' });
  await promote(one.client, one.pgdata);
  await promote(other.client, other.pgdata);
  await stopPostmaster(other.pgdata, { mode: 'fast' });
  expect(await endOf(other, one)).toBe('unknown');
});

test('a standby that somebody opened on a timeline with which others went on ends before them, and is not rewound', async () => {
  const primary = await newPrimary();
  const opened = await newStandby(primary);
  const next = await newStandby(primary, 3);
  await stopPostmaster(opened.pgdata, { mode: 'fast' });
  await clearStandbyMode(opened.pgdata);
  await start(opened);
  await opened.client.query('CREATE TABLE alone AS SELECT 1 AS n');
  await stopPostmaster(opened.pgdata, { mode: 'fast' });
  await primary.client.query('CREATE TABLE t AS SELECT generate_series(1, 100000) AS n');
  await awaitReplayed(next.client, (await observe(primary.client)).lsn);
  await stopPostmaster(primary.pgdata, { mode: 'fast' });
  await promote(next.client, next.pgdata);
  expect(await endOf(opened, next)).toBe('before');
  const rewinding = rewind({
    bindir: opened.bindir,
    pgdata: opened.pgdata,
    source: next.upstream,
    sourceLine: await lineOf(next),
    nodeId: 2,
    marker: join(opened.directory, 'rewind'),
  });
  await expect(rewinding).rejects.toMatchObject({ code: 'rewind-of-foreign-wal' });
});
