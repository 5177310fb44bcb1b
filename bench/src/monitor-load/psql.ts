import { execFileSync } from 'node:child_process';
import { postgresOwner } from '@pgaf/testing/owner';

/** A Postgres of a monitor, by its Unix socket. */
export interface LocalServer {
  readonly bindir: string;
  readonly socketDirectory: string;
  readonly port: number;
  readonly database: string;
}

/** Runs SQL as the superuser, who is the owner of the server's files, and stops at the first error. */
export function psql({ bindir, socketDirectory, port, database }: LocalServer, sql: string): string {
  const where = ['-h', socketDirectory, '-p', String(port), '-d', database];
  return execFileSync(`${bindir}/psql`, ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', ...where], {
    input: sql,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
    ...postgresOwner(),
  });
}
