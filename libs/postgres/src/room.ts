import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EXIT, UserError } from '@pgaf/core/errors';

/** Bytes that are to be written below a directory, and those there that go before. */
export interface Demand {
  readonly path: string;
  readonly bytes: number;
  readonly freed: number;
}

/** A file system that cannot take what is to be written. */
export interface Shortage {
  /** The first of the directories on it. */
  readonly path: string;
  readonly needed: number;
  readonly free: number;
}

async function nearestExisting(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  return found || path === dirname(path) ? path : nearestExisting(dirname(path));
}

/** The file systems without room, each looked at once for all that goes there. */
export async function shortages(demands: readonly Demand[]): Promise<Shortage[]> {
  const systems = new Map<number, { path: string; at: string; needed: number; freed: number }>();
  for (const { path, bytes, freed } of demands) {
    const at = await nearestExisting(path);
    const { dev } = await stat(at);
    const known = systems.get(dev) ?? { path, at, needed: 0, freed: 0 };
    systems.set(dev, { ...known, needed: known.needed + bytes, freed: known.freed + freed });
  }
  const short: Shortage[] = [];
  for (const { path, at, needed, freed } of systems.values()) {
    const { bavail, bsize } = await statfs(at);
    const free = bavail * bsize + freed;
    if (free < needed) short.push({ path, needed, free });
  }
  return short;
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** In the units of Postgres's settings, such as `1.5 GB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** @throws UserError `no-room` with both numbers of the first file system without room; `hint` says what else helps. */
export async function requireRoom(what: string, demands: readonly Demand[], hint: string): Promise<void> {
  const [first] = await shortages(demands);
  if (first === undefined) return;
  throw new UserError(
    `There is no room for ${what}: it takes ${formatBytes(first.needed)} on the file system of ${first.path}, and ${formatBytes(first.free)} are free.`,
    { code: 'no-room', exit: EXIT.badState, hint },
  );
}
