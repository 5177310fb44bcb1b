import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { findBindir } from '@pgaf/postgres/binaries';
import { findUser } from '../system-users.js';

/** A Postgres that pgaf did not make, run by the user that pgaf becomes. */
export class BarePostgres {
  readonly #owner = process.getuid?.() === 0 ? findUser('postgres') : null;

  private constructor(
    readonly bindir: string,
    readonly pgdata: string,
    readonly socketDirectory: string,
    readonly port: number,
  ) {}

  /** A new cluster; `settings` are lines of postgresql.conf. */
  static async make(
    place: { readonly pgdata: string; readonly socketDirectory: string; readonly port: number },
    settings: readonly string[] = [],
  ): Promise<BarePostgres> {
    const one = new BarePostgres(await findBindir(), place.pgdata, place.socketDirectory, place.port);
    one.#run('initdb', ['--pgdata', one.pgdata, '--auth=trust', '--username', one.user]);
    one.configure([`port = ${one.port}`, `unix_socket_directories = '${one.socketDirectory}'`, ...settings]);
    return one;
  }

  /** A standby of it, made as a person would: `pg_basebackup -R`. */
  standby(place: { readonly pgdata: string; readonly port: number }): BarePostgres {
    const one = new BarePostgres(this.bindir, place.pgdata, this.socketDirectory, place.port);
    one.#run('pg_basebackup', [
      '-D',
      one.pgdata,
      '-R',
      '-h',
      this.socketDirectory,
      '-p',
      String(this.port),
      '-c',
      'fast',
    ]);
    one.configure([`port = ${one.port}`]);
    return one;
  }

  get user(): string {
    return this.#owner?.name ?? userInfo().username;
  }

  configure(lines: readonly string[]): void {
    appendFileSync(join(this.pgdata, 'postgresql.conf'), `${lines.join('\n')}\n`);
  }

  start(): void {
    this.#run('pg_ctl', ['start', '-w', '-D', this.pgdata, '-l', join(this.pgdata, 'startup.log')]);
  }

  /** Does nothing when it does not run. */
  stop(mode: 'fast' | 'immediate' = 'fast'): void {
    try {
      this.#run('pg_ctl', ['status', '-D', this.pgdata]);
    } catch {
      return;
    }
    this.#run('pg_ctl', ['stop', '-w', '-D', this.pgdata, '-m', mode]);
  }

  /** The first column of the first row, as text. */
  sql(statement: string): string {
    const place = ['-h', this.socketDirectory, '-p', String(this.port), '-U', this.user, '-d', 'postgres'];
    return this.#run('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', ...place, '-c', statement]).trim();
  }

  #run(program: string, args: readonly string[]): string {
    const { PATH = '' } = process.env;
    return execFileSync(join(this.bindir, program), args, {
      cwd: '/',
      encoding: 'utf8',
      env: { PATH, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(this.#owner && { uid: this.#owner.uid, gid: this.#owner.gid }),
    });
  }
}
