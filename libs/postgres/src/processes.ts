import { readFileSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';

/** A process of this host, from /proc. */
export interface ProcessFacts {
  readonly pid: number;
  /** Clock ticks since boot at its start: with the pid, what tells it from a later process of the same pid. */
  readonly startTicks: string;
}

/** The fields of /proc/PID/stat from the state on; none when there is no such process. */
function statOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything, so the fields count from the last one.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

/** Undefined when there is none, or only a zombie, which holds nothing any more. */
export function livingProcess(pid: number): ProcessFacts | undefined {
  const [state = 'X', ...fields] = statOf(pid);
  if (state === 'Z' || state === 'X') return undefined;
  return { pid, startTicks: fields[18] ?? '' };
}

/** It was stopped by a signal or a debugger: no signal but SIGKILL ends it before it goes on. */
export function isFrozen(known: ProcessFacts): boolean {
  const [state = 'X'] = statOf(known.pid);
  return isLiving(known) && (state === 'T' || state === 't');
}

const SIGKILL_BIT = 1n << 8n;
/** `PF_EXITING` of the kernel, in the flags of /proc/PID/stat. */
const EXITING = 0x4;

/**
 * It was killed, and lives on only because the kernel waits for something in its name, such as a disk that hangs. It runs
 * no instruction of its own any more, whenever that ends: it writes to no client, and forks nobody.
 */
export function isDoomed(known: ProcessFacts): boolean {
  if (!isLiving(known)) return false;
  if ((Number(statOf(known.pid)[6]) & EXITING) !== 0) return true;
  try {
    const status = readFileSync(`/proc/${known.pid}/status`, 'latin1');
    const pending = [...status.matchAll(/^(?:SigPnd|ShdPnd):\t([0-9a-f]+)$/gm)];
    return pending.some(([, mask]) => (BigInt(`0x${mask}`) & SIGKILL_BIT) !== 0n);
  } catch {
    return false;
  }
}

/** It waits for an event; not so one that has a processor or wants one, waits for a disk, was stopped, or is gone. */
export function isAsleep(pid: number): boolean {
  return statOf(pid)[0] === 'S';
}

/** Null when it is gone. */
export function parentOf(pid: number): number | null {
  const parent = statOf(pid)[1];
  return parent === undefined ? null : Number(parent);
}

/** What it has used of the processors, in clock ticks, or null when it is gone: it stays the same for one that is stuck. */
export function processorTicks(pid: number): number | null {
  const fields = statOf(pid);
  const [user, system] = [fields[11], fields[12]];
  return user === undefined || system === undefined ? null : Number(user) + Number(system);
}

/** Nothing of it is left, not even a zombie: its parent has heard of its end. */
export function isReaped(pid: number): boolean {
  return statOf(pid).length === 0;
}

/** A living process, and all that it has started, and they. */
export function processTree(pid: number): ProcessFacts[] {
  const children = new Map<number, number[]>();
  for (const each of everyPid()) {
    const parent = parentOf(each) ?? 0;
    children.set(parent, [...(children.get(parent) ?? []), each]);
  }
  const collect = (root: number): ProcessFacts[] => {
    const living = livingProcess(root);
    return [...(living ? [living] : []), ...(children.get(root) ?? []).flatMap(collect)];
  };
  return collect(pid);
}

export function isLiving(known: ProcessFacts): boolean {
  return livingProcess(known.pid)?.startTicks === known.startTicks;
}

/** A path that a link of /proc leads to, '' when gone or another user's; the executable may be replaced meanwhile. */
function linkOf(pid: number, name: 'exe' | 'cwd'): string {
  try {
    return readlinkSync(`/proc/${pid}/${name}`).replace(/ \(deleted\)$/, '');
  } catch {
    return '';
  }
}

export function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .split('\0')
      .filter((part) => part !== '');
  } catch {
    return [];
  }
}

/** Children rename themselves `postgres: …`; the postmaster keeps the command line it was started with. */
export function isTitled(args: readonly string[]): boolean {
  return args[0]?.startsWith('postgres:') ?? false;
}

export function everyPid(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Whether `pid` is a process of a Postgres server on this data directory. */
export function isPostgresOf(pid: number, pgdata: string): boolean {
  return workingOn(resolved(pgdata))(pid);
}

/** Postmaster, its children, orphaned children, and single-user servers on this data directory. */
export function postgresProcessesOf(pgdata: string): ProcessFacts[] {
  return everyPid()
    .filter(workingOn(resolved(pgdata)))
    .flatMap((pid) => livingProcess(pid) ?? []);
}

/**
 * All of them work inside it; a postmaster that has just begun is only about to go there. A host may have hundreds of
 * processes of other servers, and an outage may wait for the answer: of most one link is read. No directory is looked
 * into, which may be on a disk that hangs.
 */
function workingOn(directory: string): (pid: number) => boolean {
  const ofOthers = new Set<string>();
  return (pid) => {
    const place = linkOf(pid, 'cwd');
    if (place === '' || ofOthers.has(place) || basename(linkOf(pid, 'exe')) !== 'postgres') return false;
    if (place === directory) return true;
    const args = argumentsOf(pid);
    const named = dataDirectoryOf(args);
    const isOfAnother = named === place || isTitled(args);
    if (isOfAnother) ofOthers.add(place);
    return !isOfAnother && named !== undefined && resolved(named) === directory;
  };
}

function dataDirectoryOf(args: readonly string[]): string | undefined {
  return args.includes('-D') ? args[args.indexOf('-D') + 1] : undefined;
}

/** Processes of a program, such as pg_basebackup, that have `argument` among their arguments. */
export function programsWith(program: string, argument: string): ProcessFacts[] {
  return everyPid().flatMap((pid) => {
    if (basename(linkOf(pid, 'exe')) !== program || !argumentsOf(pid).includes(argument)) return [];
    return livingProcess(pid) ?? [];
  });
}

/** Sends a signal; false when the process is gone. */
export function sendSignal(known: ProcessFacts, signal: NodeJS.Signals): boolean {
  if (!isLiving(known)) return false;
  try {
    process.kill(known.pid, signal);
    return true;
  } catch {
    return false;
  }
}
