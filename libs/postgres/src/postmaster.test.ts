import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ProgramError } from '@pgaf/core/errors';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { expect, test } from 'vitest';
import { endLeftovers } from './leftovers.js';
import { childrenOf } from './children.js';
import { adoptPostmaster, postmasterStatus, startPostmaster } from './postmaster.js';
import { postmasterPidFile } from './postmaster-pid.js';
import { localClient } from './query.js';
import { postgresProcessesOf } from './processes.js';
import { stopPostmaster } from './stop-postmaster.js';
import { newPrimary, newServer, start, superuser, within } from './testing/servers.js';
import { initdb } from './initdb.js';

test('starts and stops, and again', async () => {
  const one = await newPrimary();
  await stopPostmaster(one.pgdata, { mode: 'fast' });
  for (let i = 0; i < 2; i++) {
    const postmaster = await start(one);
    expect(postmaster.origin).toBe('started');
    expect(await one.client.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await stopPostmaster(one.pgdata, { mode: 'fast' })).toBe('fast');
    expect(await postmaster.exited).toEqual({ code: 0, signal: null });
  }
  expect(await stopPostmaster(one.pgdata, { mode: 'fast' })).toBe('already');
});

test('one that has just begun, and is not in its data directory yet, is not started a second time', async () => {
  const one = await newPrimary();
  await stopPostmaster(one.pgdata, { mode: 'fast' });
  const { bindir, pgdata, port, socketDirectory } = one.startOptions;
  const begun = spawn(join(bindir, 'postgres'), ['-D', pgdata, '-p', String(port), '-k', socketDirectory], {
    cwd: '/',
    stdio: 'ignore',
  });
  const { pid } = begun;
  if (pid === undefined) throw new Error('it was not begun');
  process.kill(pid, 'SIGSTOP');
  try {
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
    expect(postgresProcessesOf(pgdata).map((each) => each.pid)).toEqual([pid]);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  expect(await start(one)).toMatchObject({ pid, origin: 'adopted' });
});

test('runs in a session of its own, and hears of its death', async () => {
  const one = await newPrimary();
  await stopPostmaster(one.pgdata, { mode: 'fast' });
  const postmaster = await start(one);
  const session = Number(
    readFileSync(`/proc/${postmaster.pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[3],
  );
  expect(session).toBe(postmaster.pid);
  const second = await start(one);
  expect(second).toMatchObject({ pid: postmaster.pid, origin: 'adopted' });
  process.kill(postmaster.pid, 'SIGKILL');
  expect(await postmaster.exited).toEqual({ code: null, signal: 'SIGKILL' });
  expect(await second.exited).toEqual({ code: null, signal: null });
  expect(await postmasterStatus(one.pgdata)).toBe('stopped');
});

test('a failed start tells its last lines, and names a taken port', async () => {
  const one = await newPrimary();
  await stopPostmaster(one.pgdata, { mode: 'fast' });
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(one.server.port, '127.0.0.1', resolve));
  const inUse = await start(one).catch((error: unknown) => error);
  taken.close();
  expect(inUse).toMatchObject({ code: 'port-in-use', exitStatus: 1 });
  const refused = await startPostmaster({ ...one.startOptions, settings: { max_connections: 'many' } }).catch(
    (e: unknown) => e,
  );
  expect(refused).toBeInstanceOf(ProgramError);
  expect(refused).toMatchObject({ code: 'postgres-start-failed' });
  expect((refused as ProgramError).lastLines).toContain('max_connections');
});

test('ends the busy left-overs of a killed postmaster, then starts', async () => {
  const one = await newPrimary();
  const postmaster = await adoptPostmaster(one.pgdata);
  const busy = localClient({ ...one.server, statementTimeoutMs: 0 });
  const work = busy.query('SELECT count(*) FROM generate_series(1, 2000000000)').catch(() => []);
  await within(5000, async () => {
    const rows = await one.client.query(
      `SELECT FROM pg_stat_activity WHERE query LIKE '%generate_series%' AND state = 'active'`,
    );
    return rows.length > 1 ? true : undefined;
  });
  process.kill(pidOf(postmaster), 'SIGKILL');
  await within(5000, () => (postmaster?.isAlive() ? undefined : true));
  expect(postgresProcessesOf(one.pgdata).length).toBeGreaterThan(0);
  expect((await endLeftovers(one.pgdata)).found).toBeGreaterThan(0);
  expect(postgresProcessesOf(one.pgdata)).toEqual([]);
  await work;
  await busy.close();
  await start(one);
  expect(await one.client.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await expect(endLeftovers(one.pgdata)).rejects.toMatchObject({ code: 'bug' });
});

test('a stale pid file that names a living process of another kind stops nothing', async () => {
  const one = await newServer();
  await initdb({
    bindir: one.bindir,
    pgdata: one.pgdata,
    superuser: superuser(),
    checksums: 'on',
    localAccess: 'trust',
  });
  await writeFile(postmasterPidFile(one.pgdata), `${process.pid}\n${one.pgdata}\n1\n${one.server.port}\n`);
  expect(await postmasterStatus(one.pgdata)).toBe('stopped');
  expect((await start(one)).origin).toBe('started');
});

/** A dead process whose parent does not reap it. */
async function newZombie(): Promise<{ readonly pid: number; end(): void }> {
  const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(String(line));
  await within(5000, () => (/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1')) ? true : undefined));
  return { pid, end: () => parent.kill('SIGKILL') };
}

test('a lock of the socket that a killed postmaster of ours left does not keep the next one from starting', async () => {
  const one = await newPrimary();
  const postmaster = await adoptPostmaster(one.pgdata);
  process.kill(pidOf(postmaster), 'SIGKILL');
  await postmaster?.exited;
  // While nobody reaps a killed postmaster, Postgres takes its pid for a living one.
  const zombie = await newZombie();
  const lock = join(one.directory, `.s.PGSQL.${one.server.port}.lock`);
  const lines = (await readFile(lock, 'utf8')).split('\n');
  await writeFile(lock, [String(zombie.pid), ...lines.slice(1)].join('\n'));
  expect((await start(one)).origin).toBe('started');

  await stopPostmaster(one.pgdata, { mode: 'fast' });
  await writeFile(lock, `${zombie.pid}\n/somebody/elses/data\n1\n${one.server.port}\n${one.directory}\n`);
  await expect(start(one)).rejects.toMatchObject({ code: 'postgres-start-failed' });
  expect(await readFile(lock, 'utf8')).toContain('/somebody/elses/data');
  zombie.end();
});

test('a fast stop that is late becomes an immediate one', async () => {
  const one = await newPrimary();
  const postmaster = await adoptPostmaster(one.pgdata);
  const [row] = await one.client.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`,
  );
  const checkpointer = pidOf(row);
  process.kill(checkpointer, 'SIGSTOP');
  const stopping = stopPostmaster(one.pgdata, { mode: 'fast', immediateAfterMs: 200 });
  // Frozen, it would hold the stop until the postmaster kills it 5 s after the SIGQUIT.
  await within(5000, () => (hasPending(checkpointer, constants.signals.SIGQUIT) ? true : undefined));
  process.kill(checkpointer, 'SIGCONT');
  expect(await stopping).toBe('immediate');
  expect(postmaster?.isAlive()).toBe(false);
  expect(postgresProcessesOf(one.pgdata)).toEqual([]);
});

function hasPending(pid: number, signal: number): boolean {
  const pending = /^ShdPnd:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return ((BigInt(`0x${pending}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

test('of a killed postmaster whose data directory is let go no socket is left', async () => {
  const one = await newPrimary();
  const { pid } = await start(one);
  // Whom nobody has told yet whom it serves, as a client that has just come, passes for a postmaster.
  await within(5000, () => childrenOf(pid).every(({ title }) => title.startsWith('postgres: ')) || undefined);
  process.kill(pid, 'SIGKILL');
  await within(5000, () => (existsSync(`/proc/${pid}/exe`) ? undefined : true));
  const socket = join(one.server.socketDirectory, `.s.PGSQL.${one.server.port}`);
  expect([existsSync(socket), existsSync(`${socket}.lock`)]).toEqual([true, true]);
  expect(await stopPostmaster(one.pgdata, { mode: 'fast' })).toBe('already');
  expect([existsSync(socket), existsSync(`${socket}.lock`)]).toEqual([false, false]);
});

test('a client that connects to a Postgres which stops, and says nothing, does not hold it up', async () => {
  const one = await newPrimary();
  const { pid } = await start(one);
  await freeze(pid);
  const stopped = stopPostmaster(one.pgdata, { mode: 'fast' });
  await within(5000, () => (hasPending(pid, constants.signals.SIGINT) ? true : undefined));
  const silent = connect(one.server.port, '127.0.0.1').on('error', () => {});
  await once(silent, 'connect');
  process.kill(pid, 'SIGCONT');
  expect(await stopped.finally(() => silent.destroy())).toBe('fast');
});

test('a fast stop that comes at the beginning of a crash recovery does not hang', async () => {
  const one = await newPrimary();
  const { pid } = await start(one);
  const [row] = await one.client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const children = `/proc/${pid}/task/${pid}/children`;
  process.kill(pidOf(row), 'SIGKILL');
  // Frozen before the startup process can tell that its recovery begins, the postmaster hears of the stop first.
  // Without a pause between two looks: the moment is short.
  const deadline = performance.now() + 10_000;
  const isStarting = (): boolean =>
    readFileSync(children, 'utf8')
      .trim()
      .split(' ')
      .some((child) => titleOf(child).includes('startup'));
  while (!isStarting()) if (performance.now() > deadline) expect.fail('no recovery has begun');
  await freeze(pid);
  const stopped = stopPostmaster(one.pgdata, { mode: 'fast' });
  await within(5000, () => (hasPending(pid, constants.signals.SIGINT) ? true : undefined));
  process.kill(pid, 'SIGCONT');
  // Clients that are turned away are processes, too, and one that says nothing stays for a minute. Those come one
  // after the other, so that a slow host does not pile them up.
  const silent = connect(one.server.port, '127.0.0.1').on('error', () => {});
  let more = true;
  const knock = (): void => {
    if (!more) return;
    connect(one.server.port, '127.0.0.1')
      .on('error', () => {})
      .on('close', () => setTimeout(knock, 5))
      .resume()
      .end();
  };
  knock();
  const end = (): void => {
    more = false;
    silent.destroy();
  };
  expect(['fast', 'immediate']).toContain(await stopped.finally(end));
});

/** Until it stands still: of two signals that wait for it, the one with the lower number would come first. */
async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await within(5000, () => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')) || undefined);
}

function titleOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
