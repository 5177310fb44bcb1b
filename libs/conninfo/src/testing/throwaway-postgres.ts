import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chown, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@pgaf/core/testing/free-ports';
import { parseConnInfo } from '../conninfo.js';
import { connect } from '../connect.js';

const run = promisify(execFile);

/** A Postgres for this package's tests: own directory, own port, gone after `stop`. */
export interface ThrowawayPostgres {
  readonly folder: string;
  readonly port: number;
  stop(): Promise<void>;
}

export interface ThrowawayOptions {
  readonly settings: Readonly<Record<string, string>>;
  readonly hba: readonly string[];
  /** Files for the data directory, by name. */
  readonly files: Readonly<Record<string, string>>;
}

/** Root may not run a server, so it runs as postgres; any other user runs its own. */
async function serverUser(): Promise<{ uid: number; gid: number }> {
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  if (own.uid !== 0) return own;
  const id = async (option: string) => Number((await run('id', [option, 'postgres'])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
}

async function binaries(): Promise<string> {
  const root = '/usr/lib/postgresql';
  const versions = (await readdir(root)).map(Number).sort((a, b) => b - a);
  return join(root, String(versions[0]), 'bin');
}

async function untilReady(child: ChildProcess, folder: string, port: number): Promise<void> {
  const deadline = Date.now() + 30_000;
  let output = '';
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  for (;;) {
    try {
      const target = parseConnInfo(`host=${folder} port=${port} user=postgres dbname=postgres`);
      const client = await connect(target, { connectTimeoutMs: 1000 });
      await client.end();
      return;
    } catch (error) {
      if (Date.now() > deadline || child.exitCode !== null) throw new Error(output, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function makeDataDirectory(user: { uid: number; gid: number }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pgaf-conninfo-'));
  await chown(folder, user.uid, user.gid);
  const initdb = join(await binaries(), 'initdb');
  await run(initdb, ['-D', join(folder, 'data'), '-U', 'postgres', '-A', 'trust', '-N'], {
    ...user,
    cwd: folder,
  });
  return folder;
}

/** Starts a new server, or one on a copy of the data of `origin`, which must be stopped. */
export async function startThrowaway(options: ThrowawayOptions, origin?: string): Promise<ThrowawayPostgres> {
  const user = await serverUser();
  const folder = origin ?? (await makeDataDirectory(user));
  const data = join(folder, 'data');
  const port = await freePort();
  const settings = {
    listen_addresses: 'localhost',
    port: String(port),
    unix_socket_directories: folder,
    fsync: 'off',
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
  const files = {
    ...options.files,
    'postgresql.auto.conf': lines.join(''),
    'pg_hba.conf': ['local all postgres trust', ...options.hba, ''].join('\n'),
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(data, name), content, { mode: 0o600 });
    await chown(join(data, name), user.uid, user.gid);
  }
  const child = spawn(join(await binaries(), 'postgres'), ['-D', data], {
    ...user,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGINT');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(child, folder, port);
  } catch (error) {
    await stop();
    throw error;
  }
  return { folder, port, stop };
}

/** A copy of a new data directory; both are the same cluster, so one may run as the other's standby. */
export async function twoDataDirectories(): Promise<[string, string]> {
  const user = await serverUser();
  const first = await makeDataDirectory(user);
  const second = await mkdtemp(join(tmpdir(), 'pgaf-conninfo-'));
  await chown(second, user.uid, user.gid);
  await cp(join(first, 'data'), join(second, 'data'), { recursive: true });
  await run('chown', ['-R', `${user.uid}:${user.gid}`, second]);
  return [first, second];
}

/** A copy of the data of a server that runs, to be started as its standby; that one lets `postgres` replicate locally. */
export async function backUp({ folder, port }: ThrowawayPostgres): Promise<string> {
  const user = await serverUser();
  const copy = await mkdtemp(join(tmpdir(), 'pgaf-conninfo-'));
  await chown(copy, user.uid, user.gid);
  const program = join(await binaries(), 'pg_basebackup');
  const from = ['-h', folder, '-p', String(port), '-U', 'postgres'];
  await run(program, [...from, '-D', join(copy, 'data'), '-c', 'fast'], { ...user, cwd: copy });
  return copy;
}
