import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import { isAlive, processesIn, type ProcessSeen } from './process-table.js';

const CLEAN_END_MS: Milliseconds = 3000;

/** Like `process.kill`, for a process that may have ended by itself meanwhile. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/**
 * Those that run a data directory. Backends show a title, and outlive their postmaster for a moment when it is killed; one
 * that has just been forked has the words of its postmaster still.
 */
export function postmastersAmong(seen: readonly ProcessSeen[]): ProcessSeen[] {
  const servers = seen.filter(({ program, command }) => program === 'postgres' && / -D /.test(command));
  return servers.filter(
    ({ command, parent }) => !command.startsWith('postgres: ') && !servers.some(({ pid }) => pid === parent),
  );
}

/** SIGKILL to every process in the directory, again for those that they started meanwhile, until none is left. */
export function killEverythingIn(directory: string): Promise<void> {
  return killEverything(() => processesIn(directory));
}

/** Ends every process in the directory for good. */
export function endEverythingIn(directory: string): Promise<void> {
  return endEverything(() => processesIn(directory));
}

/** SIGKILL to all that are living, again for those that they started meanwhile, until none is left. */
export async function killEverything(living: () => readonly ProcessSeen[]): Promise<void> {
  for (let left = living(); left.length > 0; left = living()) {
    for (const { pid } of left) sendSignal(pid, 'SIGKILL');
    await pause(2);
  }
}

/**
 * Ends all that are living for good. A postmaster is given the time to give its shared memory back, which would
 * outlive one that is killed.
 */
export async function endEverything(living: () => readonly ProcessSeen[]): Promise<void> {
  const first = living();
  for (const { pid, program } of first) if (program !== 'postgres') sendSignal(pid, 'SIGKILL');
  const postmasters = postmastersAmong(first).map((seen) => seen.pid);
  for (const pid of postmasters) {
    sendSignal(pid, 'SIGCONT');
    sendSignal(pid, 'SIGQUIT');
  }
  const deadline = performance.now() + CLEAN_END_MS;
  while (postmasters.some(isAlive) && performance.now() < deadline) await pause(5);
  await killEverything(living);
}
