import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startPostmaster } from './postmaster.js';
import { reloadAndWait } from './reload.js';
import { findSettingProblems } from './setting-findings.js';
import { writeSettings } from './settings.js';
import { writeSyncNames } from './sync-names.js';
import { stopPostmaster } from './stop-postmaster.js';
import { newPrimary, type TestServer } from './testing/servers.js';

async function sentences(one: TestServer): Promise<string[]> {
  return (await findSettingProblems(one.client, one.pgdata)).findings.map(({ sentence }) => sentence);
}

test('what ALTER SYSTEM overrides is found before and after the reload, with its line and the way back', async () => {
  const one = await newPrimary();
  await writeSyncNames(one.pgdata, { count: 1, members: [2] });
  await one.client.query(`ALTER SYSTEM SET synchronous_standby_names = ''`);
  await one.client.query(`ALTER SYSTEM SET wal_sender_timeout = '1min'`);
  // What is stronger or the same is the user's own affair; the port stands on the command line, which wins.
  await one.client.query(`ALTER SYSTEM SET max_wal_senders = '40'`);
  await one.client.query(`ALTER SYSTEM SET synchronous_commit = 'remote_apply'`);
  await one.client.query(`ALTER SYSTEM SET wal_receiver_timeout = 5000`);
  await one.client.query(`ALTER SYSTEM SET port = '1'`);
  const auto = join(one.pgdata, 'postgresql.auto.conf');
  const expected = [
    `synchronous_standby_names is '' by ${auto}:3, and pgaf needs 'ANY 1 (pgautofailover_standby_2)': run ALTER SYSTEM RESET synchronous_standby_names`,
    `wal_sender_timeout is '1min' by ${auto}:4, and pgaf needs '5s': run ALTER SYSTEM RESET wal_sender_timeout`,
  ];
  expect(await sentences(one)).toEqual(expected);
  await reloadAndWait(one.client, one.server, AbortSignal.timeout(20_000));
  expect(await sentences(one)).toEqual([
    ...expected,
    'Postgres takes the new value of max_wal_senders at its next restart only',
  ]);
  await one.client.query('ALTER SYSTEM RESET ALL');
  await reloadAndWait(one.client, one.server, AbortSignal.timeout(20_000));
  expect(await sentences(one)).toEqual([]);
});

test('a file that is included after ours is named, and can be won over', async () => {
  const one = await newPrimary();
  await writeFile(join(one.pgdata, 'mine.conf'), '\nhot_standby = off\nlog_lock_waits = off\n');
  await appendFile(join(one.pgdata, 'postgresql.conf'), "include 'mine.conf'\n");
  const { findings, includeAgain } = await findSettingProblems(one.client, one.pgdata);
  const mine = join(one.pgdata, 'mine.conf');
  expect(findings).toEqual([
    {
      severity: 'warning',
      sentence: `hot_standby is 'off' by ${mine}:2, and pgaf needs 'on': remove that line`,
    },
    {
      severity: 'note',
      sentence: `log_lock_waits is 'off' by ${mine}:3, and pgaf needs 'on': remove that line`,
    },
  ]);
  expect(includeAgain).toBe(true);
});

test('roles and databases that commit without waiting are named', async () => {
  const one = await newPrimary();
  await one.client.query('CREATE ROLE "Batch"');
  await one.client.query('CREATE DATABASE app');
  await one.client.query(`ALTER ROLE "Batch" SET synchronous_commit = off`);
  await one.client.query(`ALTER DATABASE app SET synchronous_commit = local`);
  await one.client.query(`ALTER ROLE "Batch" IN DATABASE app SET synchronous_commit = remote_apply`);
  await one.client.query(`ALTER ROLE ALL SET wal_sender_timeout = '60s'`);
  await one.client.query(`ALTER ROLE ALL SET work_mem = '1MB'`);
  expect(await sentences(one)).toEqual([
    `synchronous_commit is 'off' by ALTER ROLE "Batch", and pgaf needs 'on': run ALTER ROLE "Batch" RESET synchronous_commit`,
    `synchronous_commit is 'local' by ALTER DATABASE app, and pgaf needs 'on': run ALTER DATABASE app RESET synchronous_commit`,
    `wal_sender_timeout is '60s' by ALTER ROLE ALL, and pgaf needs '5s': run ALTER ROLE ALL RESET wal_sender_timeout`,
  ]);
});

test('the command line of a postmaster that somebody else started is found', async () => {
  const one = await newPrimary();
  await writeSyncNames(one.pgdata, { count: 1, members: [2] });
  await stopPostmaster(one.pgdata, { mode: 'fast' });
  const settings = { synchronous_standby_names: '', max_wal_senders: '3', wal_level: 'logical' };
  await startPostmaster({ ...one.startOptions, settings });
  expect(await sentences(one)).toEqual([
    `max_wal_senders is '3' by the command line of the postmaster, and pgaf needs '12': restart Postgres`,
    `synchronous_standby_names is '' by the command line of the postmaster, and pgaf needs 'ANY 1 (pgautofailover_standby_2)': restart Postgres`,
  ]);
});

test('no password of primary_conninfo is shown', async () => {
  const one = await newPrimary();
  await writeSettings(one.pgdata, 'standby', [['primary_conninfo', 'host=a password=ours']]);
  await one.client.query(`ALTER SYSTEM SET primary_conninfo = 'host=b password=theirs'`);
  const [sentence, ...more] = await sentences(one);
  expect(more).toEqual([]);
  expect(sentence).toMatch(/^primary_conninfo of pgaf is overridden by .*postgresql.auto.conf:3: run ALTER/);
  expect(sentence).not.toMatch(/ours|theirs/);
});

test('what endangers the data, and lines that Postgres refuses, are found', async () => {
  const one = await newPrimary();
  const conf = join(one.pgdata, 'postgresql.auto.conf');
  await writeFile(conf, 'fsync = off\n');
  await reloadAndWait(one.client, one.server, AbortSignal.timeout(20_000));
  await writeFile(conf, 'fsync = off\nwal_sender_timeout = nonsense\n');
  await appendFile(join(one.pgdata, 'pg_hba.conf'), 'host all all not-an-address trust too much\n');
  const found = await sentences(one);
  expect(found).toEqual([
    expect.stringContaining(`wal_sender_timeout is 'nonsense' by ${conf}:2`),
    expect.stringMatching(
      new RegExp(`^Postgres refuses wal_sender_timeout at ${conf}:2: .*reloads nothing$`),
    ),
    expect.stringMatching(/^Postgres refuses .*pg_hba\.conf:\d+: .*no new rule/),
    `fsync is off by ${conf}:1: a crash of the host can damage this node's data`,
  ]);
});
