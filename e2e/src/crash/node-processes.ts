import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Member } from '@pgaf/testing/formation';

// Reads a few files of /proc only: a fault must come within a millisecond or two of its moment.

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The postmaster of a node's data directory; null when none runs. */
export function postmasterPid({ host }: Member): number | null {
  const pid = Number(textOf(join(host.pgdata, 'postmaster.pid')).split('\n')[0]);
  // The pid file of one that was killed stays.
  return pid > 0 && titleOf(pid).includes('postgres') ? pid : null;
}

/** The process that the service's pid file names; null when there is none. */
export function servicePid({ host }: Member): number | null {
  const file = join(host.directory, 'run', 'pg_autoctl', host.pgdata, 'pg_autoctl.pid');
  const pid = Number(textOf(file).split('\n')[0]);
  return pid > 0 ? pid : null;
}

export interface Child {
  readonly pid: number;
  /** As `postgres: walsender …` says it. */
  readonly title: string;
}

export function childrenOf(pid: number): Child[] {
  const pids = textOf(`/proc/${pid}/task/${pid}/children`).split(' ').map(Number);
  return pids.filter((child) => child > 0).map((child) => ({ pid: child, title: titleOf(child) }));
}

function titleOf(pid: number): string {
  return textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

/** Processes of Postgres that serve somebody, the most telling first: a client, a stream, the keeper. */
const BACKENDS = [/(?<!walsender) \S+ \d[\d.]+\(\d+\)/, /\bwalsender /, /\bwalreceiver/, / \S+ \[local\]/];

export function backendPid(member: Member): number | null {
  const postmaster = postmasterPid(member);
  if (postmaster === null) return null;
  const children = childrenOf(postmaster);
  for (const kind of BACKENDS) {
    const found = children.find(({ title }) => kind.test(title));
    if (found) return found.pid;
  }
  return null;
}

const WATCHDOG = 'pgaf-watchdog';

/** Of a primary that holds a lease; null when there is none. */
export function watchdogPid({ host }: Member): number | null {
  return host.processes().find(({ command }) => command.includes(WATCHDOG))?.pid ?? null;
}
