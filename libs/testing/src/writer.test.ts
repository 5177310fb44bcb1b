import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from './deadline.js';
import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import { freePorts } from '@pgaf/core/testing/free-ports';
import { checkHistory, longestOutage } from './history.js';
import { makeOwnedDirectory, postgresOwner } from './owner.js';
import { processesIn } from './process-table.js';
import { Writer } from './writer.js';

const owner = postgresOwner();
let directory = '';
let pgdata = '';
let uri = '';

/** The newest Postgres of the places where the packages put it, else the one of PATH. */
function program(name: string): string {
  const debian = '/usr/lib/postgresql';
  const majors = existsSync(debian) ? readdirSync(debian) : [];
  const newest = majors.map(Number).sort((a, b) => b - a)[0];
  return newest === undefined ? name : join(debian, String(newest), 'bin', name);
}

function pgCtl(...args: string[]): void {
  execFileSync(program('pg_ctl'), ['-D', pgdata, '-w', '-s', ...args], {
    ...owner,
    cwd: directory,
    stdio: 'ignore',
  });
}

function client(): Promise<Client> {
  return connect(parseConnInfo(uri), { connectTimeoutMs: 2000 });
}

beforeAll(async () => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'pgaf-writer-')));
  makeOwnedDirectory(directory, owner);
  pgdata = join(directory, 'data');
  const [port, closed] = await freePorts(2);
  execFileSync(program('initdb'), ['-D', pgdata, '-A', 'trust', '-U', 'postgres', '--no-sync'], {
    ...owner,
    cwd: directory,
  });
  pgCtl('start', '-l', join(directory, 'log'), '-o', `-p ${port} -k ${directory} -h 127.0.0.1`);
  uri = `postgres://postgres@127.0.0.1:${closed},127.0.0.1:${port}/postgres?sslmode=disable`;
}, 30_000);

afterAll(() => {
  pgCtl('stop', '-m', 'immediate');
  rmSync(directory, { recursive: true, force: true });
});

it('goes on after a crash of the server, and its history is what the table holds', async () => {
  const writer = new Writer({ uri, table: 'crash' });
  await writer.start();
  pgCtl('restart', '-m', 'immediate');
  const since = performance.now();
  await until(
    { what: 'rows after the crash', deadlineMs: 10_000 },
    () => writer.acknowledgedSince(since) > 10,
  );
  const history = await writer.stop();
  expect(longestOutage(history).ms).toBeGreaterThan(10);
  const reader = await client();
  const verdict = await checkHistory(reader, history, 'crash');
  await reader.end();
  expect(verdict).toEqual({ acknowledged: writer.acknowledged(), lost: [], duplicated: [], foreign: [] });
});

it('does not count a commit that came with a warning', async () => {
  const admin = await client();
  const writer = new Writer({ uri, table: 'warned' });
  await writer.start();
  await admin.query("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  await admin.query('SELECT pg_reload_conf()');
  const cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
  await until({ what: 'a cancelled wait for a standby', deadlineMs: 10_000 }, async () => {
    await admin.query(cancel);
    return writer.history.some((attempt) => attempt.outcome === 'warned');
  });
  await admin.query('ALTER SYSTEM RESET synchronous_standby_names');
  await admin.query('SELECT pg_reload_conf()');
  await writer.stop();
  await admin.end();
});

it('gives a statement up that nobody answers in time, and writes on elsewhere', async () => {
  const writer = new Writer({ uri, table: 'unanswered', answerWithinMs: 300 });
  await writer.start();
  const backends = processesIn(pgdata).filter(({ command }) =>
    /^postgres: postgres postgres 127/.test(command),
  );
  await Promise.all(backends.map(({ pid }) => freezeAtRest(pid)));
  try {
    await writer.untilWriting(10, 20_000);
  } finally {
    for (const { pid } of backends) process.kill(pid, 'SIGCONT');
  }
  const history = await writer.stop();
  expect(history.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id)).toHaveLength(1);
});
