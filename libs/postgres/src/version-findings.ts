import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, UserError } from '@pgaf/core/errors';
import { versionOf } from './binaries.js';
import type { Finding } from './finding.js';
import type { LocalClient } from './query.js';

export interface RunningVersion {
  /** Such as 150014. */
  readonly number: number;
  /** As `postgres --version` has it, such as `15.14 (Debian 15.14-0+deb12u1)`. */
  readonly text: string;
  /** With the compiler and the platform. */
  readonly full: string;
}

export async function runningVersion(client: LocalClient): Promise<RunningVersion> {
  const [row] = await client.query<{ number: number; text: string; full: string }>(
    `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS text,
            version() AS full`,
  );
  if (!row) throw new RangeError('The query of runningVersion() gives one row.');
  return row;
}

/** The program's version, asked again only when its file is another one. */
export class InstalledVersion {
  #file = '';
  #found: { readonly major: number; readonly text: string } | null = null;

  constructor(private readonly bindir: string) {}

  /** Null while it cannot be run, as in the midst of an upgrade. */
  async find(): Promise<{ readonly major: number; readonly text: string } | null> {
    try {
      const { ino, size, mtimeMs } = await stat(join(this.bindir, 'postgres'));
      const file = `${ino} ${size} ${mtimeMs}`;
      if (file !== this.#file) this.#found = await versionOf(this.bindir);
      this.#file = file;
      return this.#found;
    } catch {
      this.#file = '';
      return null;
    }
  }
}

/** What an upgrade under a running Postgres asks of its operator. */
export function findVersionProblems(
  running: RunningVersion,
  installed: { readonly major: number; readonly text: string } | null,
  bindir: string,
): Finding[] {
  if (installed === null || installed.text === running.text) return [];
  const major = Math.floor(running.number / 10_000);
  const sentence =
    installed.major === major
      ? `Postgres ${running.text} runs, and ${installed.text} is installed in ${bindir}: restart Postgres to take it`
      : `Postgres ${running.text} runs, and ${bindir} holds ${installed.text}, which cannot start on data of ${major}: ` +
        `put the binaries of ${major} back before Postgres stops`;
  return [{ severity: 'warning', sentence }];
}

/**
 * Tells apart from other failures of a start that the binaries are of another major version than the data.
 * @throws UserError `other-major-version`.
 */
export async function requireSameMajor(bindir: string, pgdata: string): Promise<void> {
  const data = (await readFile(join(pgdata, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  const installed = await versionOf(bindir).catch(() => null);
  if (data === '' || installed === null || Number.parseInt(data, 10) === installed.major) return;
  throw new UserError(
    `The data in ${pgdata} is of PostgreSQL ${data}, and ${bindir} holds ${installed.text}, which cannot start on it.`,
    {
      code: 'other-major-version',
      exit: EXIT.pgctl,
      hint: `Install PostgreSQL ${data}, or name its pg_ctl with --pgctl; pgaf does not upgrade from one major version to another.`,
    },
  );
}
