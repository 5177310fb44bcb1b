import { readFileSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { expect, test } from 'vitest';
import { findPostmaster } from './find-postmaster.js';
import { postgresProcessesOf } from './processes.js';
import { newPrimary, within, type TestServer } from './testing/servers.js';
import { endOtherWatchdogs, startWatchdog, watchdogsOf, type Watchdog } from './watchdog.js';

function leaseFileOf({ directory }: TestServer): string {
  return join(directory, 'lease');
}

/** The lease ends in so many seconds. */
function writeLease(server: TestServer, seconds: number): void {
  writeFileSync(leaseFileOf(server), `${Math.round((uptime() + seconds) * 100)}\n`);
}

async function watched(server: TestServer): Promise<Watchdog> {
  const { pgdata, startOptions } = server;
  return startWatchdog({ pgdata, leaseFile: leaseFileOf(server), logFile: startOptions.logFile });
}

async function ended(server: TestServer, dog: Watchdog): Promise<void> {
  await within(
    15_000,
    () => (postgresProcessesOf(server.pgdata).length === 0 && !dog.isAlive()) || undefined,
  );
}

test('a watchdog stops Postgres when its lease is over, not before, says so, and ends', async () => {
  const server = await newPrimary();
  writeLease(server, 1);
  const begun = performance.now();
  const dog = await watched(server);
  await within(15_000, async () => (await findPostmaster(server.pgdata)) === undefined || undefined);
  expect(performance.now() - begun).toBeGreaterThan(990);
  await ended(server, dog);
  expect(readFileSync(server.startOptions.logFile, 'utf8')).toContain(
    'pgaf watchdog: the lease of this primary',
  );
});

test('it goes by the file as it is then: a lease that is renewed, or has no end, ends nothing', async () => {
  const server = await newPrimary();
  writeLease(server, 1);
  const dog = await watched(server);
  writeLease(server, 2);
  writeFileSync(leaseFileOf(server), 'none\n');
  const until = performance.now() + 3000;
  await within(10_000, () => performance.now() > until || undefined);
  expect(await findPostmaster(server.pgdata)).toBeDefined();
  expect(dog.isAlive()).toBe(true);
  writeLease(server, 0);
  await ended(server, dog);
});

test('a backend that outlives its postmaster is ended, too, and so is a Postgres that does not react', async () => {
  const server = await newPrimary();
  writeFileSync(leaseFileOf(server), 'none\n');
  const dog = await watched(server);
  const [backend] = await server.client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  process.kill(pidOf(backend), 'SIGSTOP');
  const postmaster = await findPostmaster(server.pgdata);
  process.kill(pidOf(postmaster), 'SIGKILL');
  writeLease(server, 0);
  await ended(server, dog);
});

test('one takes over from another', async () => {
  const server = await newPrimary();
  writeFileSync(leaseFileOf(server), 'none\n');
  const first = await watched(server);
  const second = await watched(server);
  endOtherWatchdogs(server.pgdata, second);
  await within(10_000, () => !first.isAlive() || undefined);
  // What it is about to nap by has its command line for an instant.
  const isAlone = () => watchdogsOf(server.pgdata).every(({ pid }) => pid === second.pid);
  await within(10_000, () => isAlone() || undefined);
  expect(second.isAlive()).toBe(true);
});
