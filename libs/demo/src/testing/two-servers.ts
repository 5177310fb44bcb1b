import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ConnInfo } from '@pgaf/conninfo/conninfo';
import { freePort } from '@pgaf/core/testing/free-ports';

const run = promisify(execFile);

async function findBindir(): Promise<string> {
  const root = '/usr/lib/postgresql';
  const found = (await readdir(root))
    .map((version) => join(root, version, 'bin'))
    .find((bindir) => existsSync(join(bindir, 'pg_ctl')));
  if (found === undefined) throw new Error(`no server of PostgreSQL below ${root}`);
  return found;
}

/** A primary and its standby, without anybody who looks after them. */
export class TwoServers {
  private constructor(
    private readonly bindir: string,
    private readonly directory: string,
    private readonly ports: readonly [number, number],
  ) {}

  static async start(): Promise<TwoServers> {
    const directory = await mkdtemp(join(tmpdir(), 'pgaf-demo-'));
    const two = new TwoServers(await findBindir(), directory, [await freePort(), await freePort()]);
    const data = join(directory, '0');
    await two.#run('initdb', ['-D', data, '-U', 'app', '--auth=trust', '--no-sync', '-E', 'UTF8']);
    await two.#start(0);
    const source = ['-h', '127.0.0.1', '-p', String(two.ports[0]), '-U', 'app'];
    await two.#run('pg_basebackup', ['-D', join(directory, '1'), '-R', '-c', 'fast', '--no-sync', ...source]);
    await two.#start(1);
    return two;
  }

  /** The standby is asked first. */
  get target(): ConnInfo {
    const [primary, standby] = this.ports;
    return {
      hosts: [standby, primary].map((port) => ({ host: '127.0.0.1', port })),
      user: 'app',
      dbname: 'postgres',
      targetSessionAttrs: 'read-write',
      sslmode: 'disable',
      rest: {},
    };
  }

  /** Everything that was acknowledged is on the standby when the primary has stopped. */
  async failOver(): Promise<string> {
    await this.#control(0, ['stop', '-m', 'fast']);
    await this.#control(1, ['promote']);
    return 'the standby';
  }

  async destroy(): Promise<void> {
    for (const index of [0, 1] as const)
      await this.#control(index, ['stop', '-m', 'immediate']).catch(() => undefined);
    await rm(this.directory, { recursive: true, force: true });
  }

  async #start(index: 0 | 1): Promise<void> {
    const options = `-p ${this.ports[index]} -h 127.0.0.1 -k ${this.directory} -c fsync=off`;
    await this.#control(index, ['-o', options, '-l', join(this.directory, `log${index}`), 'start']);
  }

  async #control(index: 0 | 1, args: readonly string[]): Promise<void> {
    await this.#run('pg_ctl', ['-w', '-D', join(this.directory, String(index)), ...args]);
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    await run(join(this.bindir, program), [...args]);
  }
}
