import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import type { Member } from '@pgaf/testing/formation';
import { processorMs, pssBytes } from '@pgaf/testing/process-table';

function ownProcesses(member: Member): number[] {
  return member.host
    .processes()
    .filter((seen) => seen.program !== 'postgres')
    .map((seen) => seen.pid);
}

/** Memory of pgaf's processes on the member, Postgres left out, in MB. */
export function memoryOf(member: Member): number {
  return ownProcesses(member).reduce((sum, pid) => sum + pssBytes(pid), 0) / 1024 / 1024;
}

/** Processor use of pgaf's processes on each member while nothing happens, in percent of one core. */
export async function idleUse(members: readonly Member[], duration: Milliseconds): Promise<number[]> {
  const used = (pids: readonly number[]) => pids.reduce((sum, pid) => sum + processorMs(pid), 0);
  const before = members.map((member) => {
    const pids = ownProcesses(member);
    return { pids, used: used(pids) };
  });
  const start = performance.now();
  await pause(duration);
  const elapsed = performance.now() - start;
  return before.map(({ pids, used: earlier }) => ((used(pids) - earlier) / elapsed) * 100);
}
