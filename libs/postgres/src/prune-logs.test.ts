import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { postmasterLastLines } from './postmaster-log.js';
import { pruneLogs } from './prune-logs.js';
import { newPrimary, start, temporaryDirectory, within } from './testing/servers.js';
import { stopPostmaster } from './stop-postmaster.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

test('logs are kept up to a size and an age, and others’ files are left alone', async () => {
  const pgdata = await temporaryDirectory();
  folders.push(pgdata);
  const log = join(pgdata, 'log');
  await mkdir(log);
  const day = (n: number): string => `postgresql-2026-01-0${n}_000000.log`;
  for (let n = 1; n <= 6; n++) await writeFile(join(log, day(n)), 'x'.repeat(100));
  await writeFile(join(log, 'mine-2026-01-01_000000.log'), 'x'.repeat(10_000));
  const old = Date.now() / 1000 - 10 * 86_400;
  await utimes(join(log, day(4)), old, old);
  const limits = { bytes: 300, days: 7, outputBytes: 1000 };
  expect(await pruneLogs(pgdata, join(pgdata, 'none'), limits)).toEqual([day(4), day(2), day(1)]);
  expect((await readdir(log)).sort()).toEqual(['mine-2026-01-01_000000.log', day(3), day(5), day(6)]);
  // The newest may be the one that is being written.
  expect(await pruneLogs(pgdata, join(pgdata, 'none'), { ...limits, bytes: 0, days: 0 })).toHaveLength(2);
  expect(await pruneLogs(join(pgdata, 'no-such'), join(pgdata, 'none'), limits)).toEqual([]);
});

test('the output of a running postmaster is cut, and goes on in the same file', async () => {
  const one = await newPrimary();
  const { logFile } = one.startOptions;
  await one.client.query('ALTER SYSTEM SET logging_collector = off');
  await stopPostmaster(one.pgdata, { mode: 'fast' });
  await start(one);
  await one.client.query(`DO $$ BEGIN FOR i IN 1..50 LOOP RAISE LOG '%', repeat('x', 100); END LOOP; END $$`);
  const before = (await stat(logFile)).size;
  await pruneLogs(one.pgdata, logFile, { bytes: 0, days: 0, outputBytes: 5000 });
  expect((await stat(`${logFile}.1`)).size).toBe(before);
  await one.client.query(`DO $$ BEGIN RAISE LOG 'after the cut'; END $$`);
  await within(20_000, async () =>
    (await readFile(logFile, 'utf8')).includes('after the cut') ? true : undefined,
  );
  expect((await stat(logFile)).size).toBeLessThan(5000);
  expect(await postmasterLastLines(one.pgdata, logFile, 0)).toContain('after the cut');
});

test('the files that Postgres writes by our settings are those that are pruned', async () => {
  const one = await newPrimary();
  await one.client.query('SELECT pg_rotate_logfile()');
  const names = await within(20_000, async () => {
    const all = await readdir(join(one.pgdata, 'log'));
    return all.length > 0 ? all : undefined;
  });
  expect(names.every((name) => /^postgresql-\d{4}-\d\d-\d\d_\d{6}\.log$/.test(name))).toBe(true);
});
