import { readFileSync, renameSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Milliseconds } from '@pgaf/core/durations';

/** The file's word for a lease that does not end. */
const UNBOUND = 'none';
/** A lease is no longer than this; a later end is of another boot of the host. */
const LONGEST: Milliseconds = 3_600_000;

/**
 * Says until when Postgres may run as a leader, for the watchdog and for the next keeper: hundredths of a second since
 * the host was booted, or `none`. Replaced by rename, so that it is never read half written.
 */
export function writeLeaseFile(path: string, end: Milliseconds | null): void {
  mkdirSync(dirname(path), { recursive: true });
  const text = end === null ? UNBOUND : String(Math.max(0, Math.floor(end / 10)));
  writeFileSync(`${path}.new`, `${text}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Undefined when there is none of this boot of the host, or when it does not end. */
export function readLeaseFile(path: string, now: Milliseconds): Milliseconds | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
  const end = Number(text) * 10;
  return /^\d+$/.test(text) && end < now + LONGEST ? end : undefined;
}
