import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What Postgres writes into `postmaster.pid`, line by line. */
export interface PostmasterPid {
  readonly pid: number;
  readonly port: number;
  /** '' while not known, or when Postgres listens on no Unix socket. */
  readonly socketDirectory: string;
  /** `starting`, `stopping`, `ready` (takes connections), `standby` (takes read-only ones), '' before the line stands. */
  readonly status: string;
}

export function postmasterPidFile(pgdata: string): string {
  return join(pgdata, 'postmaster.pid');
}

export function parsePostmasterPid(text: string): PostmasterPid | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid < 1) return undefined;
  return { pid, port: Number(lines[3] ?? 0), socketDirectory: lines[4] ?? '', status: lines[7] ?? '' };
}

/** Undefined when the file is missing or not written yet. It says nothing of whether that process lives. */
export async function readPostmasterPid(pgdata: string): Promise<PostmasterPid | undefined> {
  try {
    return parsePostmasterPid(await readFile(postmasterPidFile(pgdata), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
