import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { basename, dirname, isAbsolute } from 'node:path';
import type { Milliseconds } from '@pgaf/core/durations';
import { BugError } from '@pgaf/core/errors';

export interface ProcessSeen {
  readonly pid: number;
  readonly parent: number;
  /** R, S, D, T, Z, … as in proc(5). */
  readonly state: string;
  /** Base name of the executable, such as `node` or `postgres`. */
  readonly program: string;
  readonly command: string;
  readonly directory: string;
}

/** USER_HZ, which Linux fixes at 100 for what it shows in /proc. */
const TICK_MS = 10;

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

function linkOr(path: string, otherwise: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return otherwise;
  }
}

/** The fields of /proc/<pid>/stat after the command's name, which may hold blanks and brackets itself. */
function statFields(pid: number): string[] {
  const stat = readOr(`/proc/${pid}/stat`, '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Null for a process that is gone, or a zombie. */
export function look(pid: number): ProcessSeen | null {
  const [state, parent] = statFields(pid);
  if (!state || state === 'Z' || state === 'X') return null;
  return {
    pid,
    parent: Number(parent),
    state,
    program: basename(linkOr(`/proc/${pid}/exe`, '').replace(/ \(deleted\)$/, '')),
    command: readOr(`/proc/${pid}/cmdline`, '').replaceAll('\0', ' ').trim(),
    directory: linkOr(`/proc/${pid}/cwd`, ''),
  };
}

function isInside(path: string, directory: string): boolean {
  const real = path.replace(/ \(deleted\)$/, '');
  return real === directory || real.startsWith(`${directory}/`);
}

/** The variable that every process of a host on this machine starts with: the host's directory. */
export const HOST_VARIABLE = 'PGAF_HOST';

function startedWith(pid: number): string[] {
  return readOr(`/proc/${pid}/environ`, '').split('\0');
}

/** Whether the process was started with this variable, `NAME=value`, and has not taken its environment for a title. */
export function carries(pid: number, variable: string): boolean {
  return startedWith(pid).includes(variable);
}

function isMarked(pid: number, directory: string): boolean {
  const mark = startedWith(pid).find((variable) => variable.startsWith(`${HOST_VARIABLE}=`));
  return mark !== undefined && isInside(mark.slice(HOST_VARIABLE.length + 1), directory);
}

/**
 * The living processes of the hosts in this directory: those that carry a mark of such a host in the
 * environment that they were started with, and those that work inside the directory. Both are needed: Postgres
 * overwrites its environment with its title, but works in its data directory. Zombies are not alive.
 * @throws BugError for a directory that is none of a test's own: what is found here is killed.
 */
export function processesIn(directory: string): ProcessSeen[] {
  if (!isAbsolute(directory) || dirname(directory) === '/' || directory.endsWith('/'))
    throw new BugError(`Processes are looked for in "${directory}", which is no directory of a host.`);
  const found: ProcessSeen[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const seen = look(pid);
    if (seen && (isInside(seen.directory, directory) || isMarked(pid, directory))) found.push(seen);
  }
  return found;
}

/**
 * The living processes of the process namespace that this one is in: those of a container, by its first process.
 * @param mark The variable that this process carries, `NAME=value`: its number may be of another machine, or may have been
 * given away again, and what is found here is killed.
 * @throws BugError when the process does not carry it, or is in the namespace of this one.
 * @throws Error for who may not look, and when that process is gone.
 */
export function processesInNamespaceOf(pid: number, mark: string): ProcessSeen[] {
  const namespace = readlinkSync(`/proc/${pid}/ns/pid`);
  if (namespace === readlinkSync('/proc/self/ns/pid'))
    throw new BugError(`process ${pid} is in no process namespace of its own`);
  if (!carries(pid, mark)) throw new BugError(`process ${pid} is another one than that with ${mark}`);
  return readdirSync('/proc')
    .map(Number)
    .filter((other) => Number.isInteger(other) && linkOr(`/proc/${other}/ns/pid`, '') === namespace)
    .flatMap((other) => look(other) ?? []);
}

export function isAlive(pid: number): boolean {
  return look(pid) !== null;
}

/** Proportional set size: private memory and the process's share of what it shares, in bytes. */
export function pssBytes(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(readOr(`/proc/${pid}/smaps_rollup`, ''));
  return Number(kilobytes?.[1] ?? 0) * 1024;
}

/** When the process started, in ticks since the machine's start; with its number it names one process for good. */
export function startTicks(pid: number): number {
  return Number(statFields(pid)[19] ?? NaN);
}

/** Processor time used so far by the process, user and system. */
export function processorMs(pid: number): Milliseconds {
  const fields = statFields(pid);
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_MS;
}
