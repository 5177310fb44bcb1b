import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { EXIT, UserError } from '@pgaf/core/errors';
import { removeEmptyFolders } from './empty-folders.js';
import { shellWord } from '@pgaf/core/shell-word';

const WAITING = 'waiting: ';

/** The pid files that this process holds. */
const held = new Set<string>();

/** The running service that a pid file names. */
export interface RunningService {
  readonly pid: number;
  readonly pgdata: string;
  readonly version: string;
  /** The monitor's schema that it knows. */
  readonly schema: string;
  readonly services: readonly { readonly pid: number; readonly name: string }[];
  /** What it waits for; null for nothing. */
  readonly waiting: string | null;
}

/** What a pid file says, and whether its process lives. */
export interface FoundService {
  readonly service: RunningService;
  readonly alive: boolean;
}

export interface PidFile {
  /** Says which services this process runs; kept behind the fixed lines. */
  setServices(services: readonly { readonly pid: number; readonly name: string }[]): void;
  /** Says what the service waits for, in the last line. */
  setWaiting(reason: string | null): void;
  /** Removes the file, if it is still ours. */
  remove(): void;
}

/**
 * What is in the pid file and whether that process lives; null when there is no file, or no pid in it. A file that has our
 * pid and is not ours is of a service before: in a container that was killed and starts again, pids begin again.
 */
export function readPidFile(path: string): FoundService | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  const [pid, pgdata, version, schema, , ...services] = text.split('\n');
  if (!pid || !/^\d+$/.test(pid)) return null;
  return {
    service: {
      pid: Number(pid),
      pgdata: pgdata ?? '',
      version: version ?? '',
      schema: schema ?? '',
      services: services.flatMap((line) => {
        const parts = /^(\d+) (\S+)$/.exec(line);
        return parts ? [{ pid: Number(parts[1]), name: parts[2] ?? '' }] : [];
      }),
      waiting: services.find((line) => line.startsWith(WAITING))?.slice(WAITING.length) ?? null,
    },
    alive: Number(pid) === process.pid ? held.has(path) : isAlive(Number(pid)),
  };
}

/**
 * Takes the pid file for this process. The file is complete from the moment that it is there, and at most
 * one of several that start at once gets it; a stale one is replaced.
 * @throws UserError `already-running`, exit 12, when its process lives.
 */
export function takePidFile(path: string, pgdata: string, version: string, schema: string): PidFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const fixed = [String(process.pid), pgdata, version, schema, '0'];
  const mine = `${path}.${process.pid}`;
  writeWhole(mine, fixed);
  try {
    while (!linked(mine, path)) {
      const stale = identityOf(path);
      const other = readPidFile(path);
      if (other?.alive) throw alreadyRunning(other.service, pgdata);
      if (stale === null) continue;
      const heir = replaceStale(mine, path, stale);
      if (heir === 'this process') break;
      if (heir !== null) throw alreadyRunning(heir, pgdata);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  held.add(path);
  let serviceLines: readonly string[] = [];
  let waiting: string | null = null;
  const write = (): void => {
    const last = waiting === null ? [] : [WAITING + waiting.replaceAll(/\s+/g, ' ')];
    writeWhole(mine, [...fixed, ...serviceLines, ...last]);
    renameSync(mine, path);
  };
  return {
    setServices(services) {
      serviceLines = services.map((service) => `${service.pid} ${service.name}`);
      write();
    },
    setWaiting(reason) {
      if (reason === waiting) return;
      waiting = reason;
      write();
    },
    remove() {
      held.delete(path);
      if (readPidFile(path)?.service.pid !== process.pid) return;
      rmSync(path, { force: true });
      removeEmptyFolders(path);
    },
  };
}

/** Throws the error of two services on one data directory. */
export function alreadyRunning(service: RunningService, pgdata: string): UserError {
  return new UserError(`A service for "${pgdata}" is running already, with pid ${service.pid}.`, {
    code: 'already-running',
    exit: EXIT.internal,
    hint: `Stop it first: pgaf stop --pgdata ${shellWord(pgdata)}`,
  });
}

/** link(2) is the lock: it fails when the name is taken, whatever else runs at the same time. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** What tells a file from every other one that has had its name; null when there is none. */
function identityOf(path: string): string | null {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? null : `${stat.ino}-${stat.mtimeNs}`;
}

/**
 * Puts our file in the place of the stale one, unless another process is to. Who may is who has the claim to this very file,
 * and of a claim whose process died before it was used, who has the claim to that: so nothing is ever replaced, or taken
 * away, but what was seen to be stale.
 * @returns who has the claim; null when the stale file is gone meanwhile.
 */
function replaceStale(mine: string, path: string, stale: string): RunningService | 'this process' | null {
  const claims: string[] = [];
  for (let claimed: string | null = stale; claimed !== null;) {
    const claim = `${path}.after.${claimed}`;
    claims.push(claim);
    if (linked(mine, claim)) break;
    claimed = identityOf(claim);
    const other = readPidFile(claim);
    if (other?.alive) return identityOf(path) === stale ? other.service : null;
    if (claimed === null) return null;
  }
  const isStale = identityOf(path) === stale;
  if (isStale) renameSync(mine, path);
  // Of no use to anybody any more: there will be no file of that identity again.
  for (const claim of claims.reverse()) rmSync(claim, { force: true });
  return isStale ? 'this process' : null;
}

function writeWhole(path: string, lines: readonly string[]): void {
  rmSync(path, { force: true });
  const file = openSync(path, 'wx', 0o644);
  try {
    writeSync(file, `${lines.join('\n')}\n`);
  } finally {
    closeSync(file);
  }
}

/** Scripts that a service is started by: ours by its name, its link or its file, and pg_auto_failover's. */
const PROGRAMS: ReadonlySet<string> = new Set(['pgaf', 'pg_autoctl', 'run.js']);

/**
 * Pids come round again, so it must also be one of those programs, and not a zombie. A thread answers to its number as well,
 * and has the words of its process: in a container that starts again it may have that of the service before.
 */
function isAlive(pid: number): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    if (/^State:\s+Z/m.test(status) || !new RegExp(`^Tgid:\\s+${pid}$`, 'm').test(status)) return false;
    return words.some((word) => PROGRAMS.has(basename(word)));
  } catch (error) {
    return !isMissing(error) && (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
