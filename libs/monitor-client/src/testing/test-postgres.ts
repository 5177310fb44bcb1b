import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@pgaf/core/testing/free-ports';

const run = promisify(execFile);

async function findBindir(): Promise<string> {
  const root = '/usr/lib/postgresql';
  const versions = await readdir(root);
  const bindir = versions
    .map((version) => join(root, version, 'bin'))
    .find((dir) => existsSync(join(dir, 'pg_ctl')));
  if (bindir === undefined) throw new Error(`no server of PostgreSQL below ${root}`);
  return bindir;
}

/** A Postgres in a directory of its own, which a test can stop and start. */
export class TestPostgres {
  private constructor(
    private readonly bindir: string,
    private readonly directory: string,
    readonly port: number,
  ) {}

  static async create(): Promise<TestPostgres> {
    const directory = await mkdtemp(join(tmpdir(), 'pgaf-client-'));
    const postgres = new TestPostgres(await findBindir(), directory, await freePort());
    await run(join(postgres.bindir, 'initdb'), [
      '-D',
      postgres.#data,
      '--auth=trust',
      '--no-sync',
      '-E',
      'UTF8',
    ]);
    await postgres.start();
    return postgres;
  }

  get uri(): string {
    return `postgres://${userInfo().username}@127.0.0.1:${this.port}/postgres?sslmode=disable`;
  }

  get #data(): string {
    return join(this.directory, 'data');
  }

  async start(): Promise<void> {
    const options = `-p ${this.port} -h 127.0.0.1 -k ${this.directory}`;
    await run(join(this.bindir, 'pg_ctl'), [
      '-D',
      this.#data,
      '-o',
      options,
      '-l',
      join(this.directory, 'log'),
      '-w',
      'start',
    ]);
  }

  async stop(): Promise<void> {
    await run(join(this.bindir, 'pg_ctl'), ['-D', this.#data, '-m', 'immediate', '-w', 'stop']);
  }

  async destroy(): Promise<void> {
    await this.stop().catch(() => undefined);
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Waits for a condition; at the deadline it says which. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  deadline = 10_000,
): Promise<void> {
  const end = performance.now() + deadline;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${deadline} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
