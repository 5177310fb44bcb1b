import { readFileSync } from 'node:fs';
import { argumentsOf, livingProcess, sendSignal } from './processes.js';

/** A process of a running server. */
export interface Child {
  readonly pid: number;
  /** As `ps` shows it, such as `postgres: walsender …`. */
  readonly title: string;
}

export function childrenOf(postmaster: number): Child[] {
  let pids: string;
  try {
    pids = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8');
  } catch {
    return [];
  }
  return pids
    .split(' ')
    .filter((pid) => /\d/.test(pid))
    .map((pid) => ({ pid: Number(pid), title: argumentsOf(Number(pid)).join(' ') }));
}

/**
 * What a process of Postgres is and does, such as `walsender …`, behind its `cluster_name`, which may be any text; null
 * where it has no title yet, or is about to be gone.
 */
export function roleOf(title: string): string | null {
  return title.startsWith('postgres: ') ? title.slice(title.lastIndexOf(': ') + 2).trimEnd() : null;
}

/**
 * Ends streams to standbys as `pg_terminate_backend` does, which takes a connection that a stopping server refuses.
 * @param pids of the walsenders that it is about
 */
export function endWalsenders(postmaster: number, pids: readonly number[] | 'all'): void {
  for (const { pid, title } of childrenOf(postmaster)) {
    if (pids !== 'all' && !pids.includes(pid)) continue;
    const one = roleOf(title)?.startsWith('walsender ') ? livingProcess(pid) : undefined;
    if (one) sendSignal(one, 'SIGTERM');
  }
}
