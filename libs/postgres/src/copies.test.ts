import { existsSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { expect, test } from 'vitest';
import { basebackup, basebackupArguments } from './basebackup.js';
import { ensureSelfSignedCertificate } from './certificates.js';
import { readControlData } from './control-data.js';
import { STAGING, inspectDataDirectory } from './data-directory.js';
import { stagedData } from './fill-directory.js';
import { initdb } from './initdb.js';
import { checkpoint } from './checkpoint.js';
import { observe } from './observe.js';
import { adoptPostmaster } from './postmaster.js';
import { programsWith } from './processes.js';
import { promote } from './promote.js';
import { rewind, rewindIsHalfDone } from './rewind.js';
import { runProgram } from './run-program.js';
import { ensureSlots } from './slots.js';
import { writeStandbyMode } from './standby.js';
import { stopPostmaster } from './stop-postmaster.js';
import {
  awaitReplayed,
  follow,
  lineOf,
  newPrimary,
  newServer,
  newStandby,
  newStandbyPlace,
  superuser,
  temporaryDirectory,
  within,
  writeOurFiles,
  start,
} from './testing/servers.js';

test('initdb fills a mount point, keeps what exists, refuses what is foreign', async () => {
  const one = await newServer();
  const options = {
    bindir: one.bindir,
    pgdata: one.pgdata,
    superuser: superuser(),
    checksums: 'on',
    localAccess: 'trust',
  } as const;
  await mkdir(join(one.pgdata, 'lost+found'), { recursive: true });
  const inode = statSync(one.pgdata).ino;
  expect(await initdb(options)).toBe('created');
  expect(statSync(one.pgdata).ino).toBe(inode);
  expect(existsSync(join(one.pgdata, 'lost+found'))).toBe(true);
  expect(await readControlData(one.bindir, one.pgdata)).toMatchObject({
    state: 'shut down',
    timeline: 1,
    checksums: 'on',
  });
  expect(await initdb(options)).toBe('existing');
  const foreign = await temporaryDirectory();
  await writeFile(join(foreign, 'precious'), '');
  await expect(initdb({ ...options, pgdata: foreign })).rejects.toMatchObject({ code: 'pgdata-not-empty' });
  expect(await readdir(foreign)).toEqual(['precious']);
  await rm(foreign, { recursive: true });
});

test('an interrupted initdb starts over', async () => {
  const one = await newServer();
  const options = {
    bindir: one.bindir,
    pgdata: one.pgdata,
    superuser: superuser(),
    checksums: 'off',
    localAccess: 'trust',
  } as const;
  const interrupt = new AbortController();
  const first = initdb({ ...options, signal: interrupt.signal }).catch((error: unknown) => error);
  await within(5000, () => existsSync(join(stagedData(one.pgdata), 'base')) || undefined);
  interrupt.abort(new Error('interrupted'));
  expect(await first).toMatchObject({ message: 'interrupted' });
  expect(await inspectDataDirectory(one.pgdata)).toBe('unfinished');
  expect(await initdb(options)).toBe('created');
  expect(await inspectDataDirectory(one.pgdata)).toBe('initialized');
  // Interrupted while the complete copy was being moved up.
  await mkdir(stagedData(one.pgdata), { recursive: true });
  for (const name of ['global', 'PG_VERSION']) {
    await rename(join(one.pgdata, name), join(stagedData(one.pgdata), name));
  }
  for (const marker of ['complete', 'emptied']) await writeFile(join(one.pgdata, STAGING, marker), '');
  expect(await initdb(options)).toBe('created');
  expect(await inspectDataDirectory(one.pgdata)).toBe('initialized');
  await start(one);
});

test('an interrupted base backup is known as such and done again', async () => {
  const primary = await newPrimary();
  await primary.client.query(
    'CREATE TABLE t AS SELECT n, repeat(md5(n::text), 20) AS x FROM generate_series(1, 20000) AS n',
  );
  const place = await newStandbyPlace(primary);
  const options = {
    bindir: place.bindir,
    pgdata: place.pgdata,
    upstream: primary.upstream,
    nodeId: 2,
    slot: 'own',
    old: 'keep',
  } as const;
  // As after kill -9 of the caller: the program goes on, and nobody cleans up.
  const staged = { data: stagedData(place.pgdata), waldir: null, tablespaces: new Map<string, string>() };
  await mkdir(join(place.pgdata, STAGING), { recursive: true, mode: 0o700 });
  const slow = runProgram({
    program: join(place.bindir, 'pg_basebackup'),
    args: basebackupArguments({ ...options, maxRate: '1M' }, staged),
  }).catch((error: unknown) => error);
  await within(10_000, () => existsSync(join(stagedData(place.pgdata), 'base')) || undefined);
  const walsenders = await primary.client.query<{ name: string }>(
    'SELECT application_name AS name FROM pg_stat_replication',
  );
  expect(walsenders.every(({ name }) => name === 'pgautofailover_basebackup_2')).toBe(true);
  expect(await inspectDataDirectory(place.pgdata)).toBe('unfinished');
  const seen: number[] = [];
  await basebackup({ ...options, onProgress: ({ doneKb }) => seen.push(doneKb) });
  expect(await slow).toMatchObject({ code: 'program-failed' });
  expect(seen.length).toBeGreaterThan(0);
  expect(programsWith('pg_basebackup', `--pgdata=${stagedData(place.pgdata)}`)).toEqual([]);
  expect(await inspectDataDirectory(place.pgdata)).toBe('initialized');
  expect(existsSync(join(place.pgdata, 'standby.signal'))).toBe(true);
  await follow(place, primary);
  await awaitReplayed(place.client, (await observe(primary.client)).lsn);
  expect(await place.client.query('SELECT count(*) FROM t')).toEqual([{ count: '20000' }]);
});

test('a base backup from nobody fails with the reason, and touches no foreign directory', async () => {
  const place = await newServer();
  const options = {
    bindir: place.bindir,
    pgdata: place.pgdata,
    upstream: place.upstream,
    nodeId: 2,
    slot: 'none',
    old: 'keep',
  } as const;
  const failed = await basebackup(options).catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: 'program-failed', exitStatus: 1 });
  expect(String(failed)).toMatch(/refused/);
  const foreign = await temporaryDirectory();
  await writeFile(join(foreign, 'precious'), '');
  await expect(basebackup({ ...options, pgdata: foreign })).rejects.toMatchObject({
    code: 'pgdata-not-empty',
  });
  await rm(foreign, { recursive: true });
});

test.each(['killed', 'stopped'] as const)(
  'a diverged primary that was %s is rewound and follows',
  async (how) => {
    const old = await newPrimary();
    const next = await newStandby(old);
    await old.client.query('CREATE TABLE t (n int); INSERT INTO t VALUES (1)');
    await awaitReplayed(next.client, (await observe(old.client)).lsn);
    // The checkpoint that a promotion asks for comes when it may.
    const [checkpointer] = await next.client.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`,
    );
    await freezeAtRest(pidOf(checkpointer));
    expect(await promote(next.client, next.pgdata)).toMatchObject({ timeline: 2 });
    await old.client.query('INSERT INTO t VALUES (-1)');
    await next.client.query('INSERT INTO t VALUES (2)');
    await ensureSlots(next.client, [1]);
    const marker = join(old.directory, 'rewind');
    const options = {
      bindir: old.bindir,
      pgdata: old.pgdata,
      source: next.upstream,
      sourceLine: await lineOf(next),
      nodeId: 1,
      marker,
    } as const;
    if (how === 'killed') {
      process.kill(pidOf(await adoptPostmaster(old.pgdata)), 'SIGKILL');
      await within(5000, async () => ((await adoptPostmaster(old.pgdata)) ? undefined : true));
    } else {
      await stopPostmaster(old.pgdata, { mode: 'fast' });
    }
    const refused = await rewind({ ...options, source: { ...next.upstream, port: old.server.port } }).catch(
      (e: unknown) => e,
    );
    expect(refused).toMatchObject({ code: 'program-failed' });
    expect(rewindIsHalfDone(marker)).toBe(false);
    // Before its first checkpoint the source cannot be told from one that was never promoted.
    expect(await rewind(options)).toBe('same-timeline');
    process.kill(pidOf(checkpointer), 'SIGCONT');
    await checkpoint(next.server);
    expect(await rewind(options)).toBe('rewound');
    expect(rewindIsHalfDone(marker)).toBe(false);
    await follow(old, next);
    await awaitReplayed(old.client, (await observe(next.client)).lsn);
    expect(await old.client.query('SELECT n FROM t ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }]);
  },
);

test('a primary that was stopped before the promotion needs no rewind; half a rewind is not tried again', async () => {
  const old = await newPrimary();
  const next = await newStandby(old);
  await stopPostmaster(old.pgdata, { mode: 'fast' });
  await promote(next.client, next.pgdata);
  await checkpoint(next.server);
  await ensureSlots(next.client, [1]);
  const marker = join(old.directory, 'rewind');
  const options = {
    bindir: old.bindir,
    pgdata: old.pgdata,
    source: next.upstream,
    sourceLine: await lineOf(next),
    nodeId: 1,
    marker,
  } as const;
  expect(await rewind(options)).toBe('unneeded');
  await writeOurFiles(old);
  await writeStandbyMode(old.pgdata, 1, next.upstream);
  await follow(old, next);
  // It first streams the rest of timeline 1, up to the switch.
  await within(10_000, async () => ((await observe(old.client)).timeline === 2 ? true : undefined));
  await stopPostmaster(old.pgdata, { mode: 'fast' });
  await writeFile(marker, '');
  await expect(rewind(options)).rejects.toMatchObject({ code: 'rewind-half-done' });
});

test('a rewind that is given up before it has touched anything leaves no half of one', async () => {
  const old = await newPrimary();
  const next = await newStandby(old);
  await promote(next.client, next.pgdata);
  await checkpoint(next.server);
  await stopPostmaster(old.pgdata, { mode: 'fast' });
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  const marker = join(old.directory, 'rewind');
  const options = {
    bindir: old.bindir,
    pgdata: old.pgdata,
    source: next.upstream,
    sourceLine: await lineOf(next),
    nodeId: 1,
    marker,
  } as const;
  const interrupt = new AbortController();
  const { signal } = interrupt;
  const givenUp = rewind({ ...options, source: { ...next.upstream, port }, signal }).catch(
    (error: unknown) => error,
  );
  const atWork = () => programsWith('pg_rewind', `--target-pgdata=${old.pgdata}`).length === 1;
  await within(5000, () => atWork() || undefined);
  interrupt.abort(new Error('given up'));
  expect(await givenUp).toMatchObject({ message: 'given up' });
  silent.close();
  expect(rewindIsHalfDone(marker)).toBe(false);
  expect(await rewind(options)).toBe('rewound');
});

test.each(['was not started since', 'crashed as a standby'] as const)(
  'a rewound node that %s is left on the timeline that it was rewound to',
  async (how) => {
    const old = await newPrimary();
    const next = await newStandby(old);
    await old.client.query('CREATE TABLE t (n int)');
    await awaitReplayed(next.client, (await observe(old.client)).lsn);
    await promote(next.client, next.pgdata);
    await old.client.query('INSERT INTO t VALUES (-1)');
    await next.client.query('INSERT INTO t VALUES (2)');
    await checkpoint(next.server);
    await ensureSlots(next.client, [1]);
    await stopPostmaster(old.pgdata, { mode: 'immediate' });
    const marker = join(old.directory, 'rewind');
    const options = {
      bindir: old.bindir,
      pgdata: old.pgdata,
      source: next.upstream,
      sourceLine: await lineOf(next),
      nodeId: 1,
      marker,
    } as const;
    expect(await rewind(options)).toBe('rewound');
    if (how === 'crashed as a standby') {
      await follow(old, next);
      await stopPostmaster(old.pgdata, { mode: 'immediate' });
    }
    expect(await rewind(options)).toBe('unneeded');
    expect(existsSync(join(old.pgdata, 'standby.signal'))).toBe(true);
    await next.client.query('INSERT INTO t VALUES (3)');
    await follow(old, next);
    await awaitReplayed(old.client, (await observe(next.client)).lsn);
    expect(await old.client.query('SELECT n FROM t ORDER BY n')).toEqual([{ n: 2 }, { n: 3 }]);
    await stopPostmaster(old.pgdata, { mode: 'immediate' });
    await expect(
      rewind({ ...options, sourceLine: { ...options.sourceLine, timeline: 3 } }),
    ).rejects.toMatchObject({
      code: 'rewind-of-standby',
    });
  },
);

test('a copy that was never started is not rewound', async () => {
  const primary = await newPrimary();
  const place = await newStandbyPlace(primary);
  const { bindir, pgdata } = place;
  await basebackup({ bindir, pgdata, upstream: primary.upstream, nodeId: 2, slot: 'own', old: 'keep' });
  const options = {
    bindir,
    pgdata,
    source: primary.upstream,
    sourceLine: await lineOf(primary),
    nodeId: 2,
    marker: join(place.directory, 'rewind'),
  } as const;
  expect(await rewind(options)).toBe('unneeded');
  await primary.client.query('CREATE TABLE t AS SELECT 1 AS n');
  await follow(place, primary);
  await awaitReplayed(place.client, (await observe(primary.client)).lsn);
  expect(await place.client.query('SELECT n FROM t')).toEqual([{ n: 1 }]);
});

test('a certificate is made once, and anew for another host', async () => {
  const directory = await temporaryDirectory();
  const first = await ensureSelfSignedCertificate(directory, 'node1.local');
  expect(first.result).toBe('created');
  expect(statSync(first.keyFile).mode & 0o777).toBe(0o600);
  expect((await ensureSelfSignedCertificate(directory, 'node1.local')).result).toBe('kept');
  expect((await ensureSelfSignedCertificate(directory, 'node2.local')).result).toBe('created');
  await writeFile(first.keyFile, 'broken');
  expect((await ensureSelfSignedCertificate(directory, 'node2.local')).result).toBe('created');
  await expect(ensureSelfSignedCertificate(directory, 'a/CN=b')).rejects.toMatchObject({
    code: 'bad-hostname',
  });
  await rm(directory, { recursive: true });
});
