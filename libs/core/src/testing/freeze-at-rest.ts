import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '../durations.js';

const WITHIN: Milliseconds = 10_000;

/** The numbers of epoll_wait and epoll_pwait, in which every process of Postgres waits for what comes next. */
const EVENT_WAITS: Readonly<Partial<Record<NodeJS.Architecture, readonly string[]>>> = {
  x64: ['232', '281'],
  arm64: ['22'],
};

/** R, S, D, T, … as in proc(5). */
function stateOf(pid: number): string {
  let stat = '';
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    // It has ended, as below.
  }
  // The name in parentheses may hold anything, so the fields count from the last one.
  const [state] = stat.slice(stat.lastIndexOf(')') + 2);
  if (!state || state === 'Z' || state === 'X') throw new Error(`process ${pid} has ended`);
  return state;
}

/**
 * The number of the system call in which a process stands still, -1 outside of any; null for who may not trace it, as
 * another user in a container, or where Yama keeps users from tracing their own.
 */
function systemCallOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/syscall`, 'latin1').split(' ')[0] ?? null;
  } catch {
    return null;
  }
}

function isAtRest(pid: number): boolean {
  const call = systemCallOf(pid);
  const waits = EVENT_WAITS[process.arch];
  // Where it cannot be told, that it was asleep when it was stopped must do.
  return call === null || waits === undefined || waits.includes(call);
}

/**
 * SIGSTOP to one process of a Postgres whose others are to go on, where it waits for an event. Anywhere else it may hold
 * a lock in shared memory, which everybody else then waits for: a walsender that sends takes spinlocks that each commit and
 * each look at pg_stat_replication take, too.
 */
export async function freezeAtRest(pid: number, within: Milliseconds = WITHIN): Promise<void> {
  const deadline = performance.now() + within;
  while (performance.now() < deadline) {
    if (stateOf(pid) === 'S') {
      process.kill(pid, 'SIGSTOP');
      while (stateOf(pid) !== 'T' && performance.now() < deadline) await pause(1);
      if (stateOf(pid) === 'T' && isAtRest(pid)) return;
      process.kill(pid, 'SIGCONT');
    }
    await pause(1);
  }
  throw new Error(`process ${pid} was never seen to wait for an event within ${within} ms`);
}
