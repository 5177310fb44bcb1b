import { copyFile, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

/** What `LOG_SETTINGS` has Postgres write; the names sort by age. */
const OURS = /^postgresql-\d{4}-\d\d-\d\d_\d{6}\.(log|csv|json)$/;

export interface LogLimits {
  /** Bytes of all log files together, but for the newest. */
  readonly bytes: number;
  readonly days: number;
  /** Bytes of the file that the postmaster's own output goes to; one older part of it is kept. */
  readonly outputBytes: number;
}

export const LOG_LIMITS: LogLimits = { bytes: 1024 ** 3, days: 14, outputBytes: 16 * 1024 ** 2 };

const DAY_MS = 86_400_000;

/**
 * Keeps the logs of a Postgres of ours within limits: the files in the `log` folder of the data directory that bear
 * the names of our settings, and `outputFile`. What others write there, or have Postgres write elsewhere, stays.
 * @returns the names of what was removed.
 */
export async function pruneLogs(
  pgdata: string,
  outputFile: string,
  limits: LogLimits = LOG_LIMITS,
): Promise<readonly string[]> {
  await cutOutput(outputFile, limits.outputBytes);
  const folder = join(pgdata, 'log');
  const names = (await readdir(folder).catch(() => [])).filter((name) => OURS.test(name)).sort();
  const oldest = Date.now() - limits.days * DAY_MS;
  const removed: string[] = [];
  let total = 0;
  for (const name of names.slice(0, -1).toReversed()) {
    const facts = await stat(join(folder, name)).catch(() => null);
    if (!facts) continue;
    total += facts.size;
    if (total <= limits.bytes && facts.mtimeMs >= oldest) continue;
    await rm(join(folder, name), { force: true });
    removed.push(name);
  }
  return removed;
}

/** It is open in the postmaster for as long as that lives, which appends: so it is emptied rather than renamed. */
async function cutOutput(file: string, most: number): Promise<void> {
  const size = (await stat(file).catch(() => null))?.size ?? 0;
  if (size <= most) return;
  await copyFile(file, `${file}.1`);
  await truncate(file, 0);
}
