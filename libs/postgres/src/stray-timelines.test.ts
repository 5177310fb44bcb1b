import { copyFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatLsn } from '@pgaf/core/lsn';
import { expect, test } from 'vitest';
import { checkpoint } from './checkpoint.js';
import { observe } from './observe.js';
import { promote } from './promote.js';
import { rewind } from './rewind.js';
import { ensureSlots } from './slots.js';
import { writeStandbyMode } from './standby.js';
import { stopPostmaster } from './stop-postmaster.js';
import {
  isOnAnotherLine,
  readLocalTimelines,
  removeTimelines,
  strayTimelines,
  type LocalTimelines,
} from './stray-timelines.js';
import { awaitReplayed, awaitStreaming, lineOf, newPrimary, newStandby, start } from './testing/servers.js';
import { walFileName } from './wal-position.js';

const source = {
  timeline: 4,
  lsn: 900n,
  history: [
    { timeline: 1, switchpoint: 100n },
    { timeline: 2, switchpoint: 500n },
  ],
};

function local(timeline: number, histories: LocalTimelines['histories'], written: number[]): LocalTimelines {
  return { timeline, histories: new Map([[1, []], ...histories]), written: new Set(written) };
}

test('a later timeline is stray that the primary does not have, or has from elsewhere', () => {
  const second = [{ timeline: 1, switchpoint: 100n }];
  expect(strayTimelines(local(1, new Map([[2, second]]), [1, 2]), source)).toEqual([]);
  expect(strayTimelines(local(1, new Map([[4, source.history]]), [1, 4]), source)).toEqual([]);
  const other = [{ timeline: 1, switchpoint: 90n }];
  expect(strayTimelines(local(1, new Map([[2, other]]), [1]), source)).toEqual([2]);
  // Without a history nobody has sent it; of what pg_control has passed nothing is judged.
  expect(strayTimelines(local(1, new Map(), [1, 2, 3]), source)).toEqual([3, 2]);
  expect(strayTimelines(local(4, new Map([[2, other]]), [1, 2, 3]), source)).toEqual([]);
  expect(strayTimelines(local(2, new Map([[5, second]]), [2]), source)).toEqual([5]);
});

test('a directory is on another line when its own timeline is not one of the primary’s', () => {
  const second = [{ timeline: 1, switchpoint: 100n }];
  const other = [{ timeline: 1, switchpoint: 90n }];
  expect(isOnAnotherLine(local(1, new Map(), [1]), source)).toBe(false);
  expect(isOnAnotherLine(local(2, new Map([[2, second]]), [2]), source)).toBe(false);
  expect(isOnAnotherLine(local(2, new Map([[2, other]]), [2]), source)).toBe(true);
  expect(isOnAnotherLine(local(3, new Map([[3, second]]), [3]), source)).toBe(true);
  // No history of its own says nothing.
  expect(isOnAnotherLine(local(4, new Map(), [4]), source)).toBe(false);
});

test('what a promotion left that was cut off goes, and the standby follows who made that timeline elsewhere', async () => {
  const primary = await newPrimary();
  const next = await newStandby(primary, 2);
  const given = await newStandby(primary, 3);
  await awaitStreaming(primary, 2);
  await primary.client.query('CREATE TABLE t AS SELECT 1 AS n');
  const early = (await observe(primary.client)).lsn;
  await awaitReplayed(given.client, early);
  await stopPostmaster(given.pgdata, { mode: 'immediate' });
  await primary.client.query('INSERT INTO t VALUES (2)');
  await awaitReplayed(next.client, (await observe(primary.client)).lsn);
  await promote(next.client, next.pgdata);
  await ensureSlots(next.client, [3]);
  await next.client.query('INSERT INTO t VALUES (3)');
  // As Postgres does it: the segment first, then the history; pg_control would be next.
  const wal = join(given.pgdata, 'pg_wal');
  const segment = 16 << 20;
  await copyFile(join(wal, walFileName(1, early, segment)), join(wal, walFileName(2, early, segment)));
  const history = `1\t${formatLsn(early)}\tno recovery target specified\n`;
  await writeFile(join(wal, '00000002.history'), history);
  await writeFile(join(wal, 'archive_status', '00000002.history.done'), '');

  const strays = async (): Promise<number[]> =>
    strayTimelines(await readLocalTimelines(given.bindir, given.pgdata), await lineOf(next));
  expect(await strays()).toEqual([2]);
  // Cut off after the history went.
  await rm(join(wal, '00000002.history'));
  expect(await strays()).toEqual([2]);
  await writeFile(join(wal, '00000002.history'), history);
  await removeTimelines(given.pgdata, await strays());
  expect(await strays()).toEqual([]);
  const left = [...(await readdir(wal)), ...(await readdir(join(wal, 'archive_status')))];
  expect(left.filter((name) => name.startsWith('00000002'))).toEqual([]);

  await writeStandbyMode(given.pgdata, 3, next.upstream);
  await start(given);
  await awaitReplayed(given.client, (await observe(next.client)).lsn);
  expect(await given.client.query('SELECT n FROM t ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
});

test('a primary of a timeline that the source made too is not rewound', async () => {
  const primary = await newPrimary();
  const next = await newStandby(primary, 2);
  const other = await newStandby(primary, 3);
  await awaitStreaming(primary, 2);
  for (const one of [next, other]) {
    await promote(one.client, one.pgdata);
    await one.client.query(`CREATE TABLE t AS SELECT ${one.nodeId} AS n`);
  }
  await checkpoint(next.server);
  await stopPostmaster(other.pgdata, { mode: 'fast' });
  const options = {
    bindir: other.bindir,
    pgdata: other.pgdata,
    source: next.upstream,
    sourceLine: await lineOf(next),
    nodeId: 3,
    marker: join(other.directory, 'rewind'),
  };
  await expect(rewind(options)).rejects.toMatchObject({ code: 'rewind-of-namesake' });
});
