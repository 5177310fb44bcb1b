import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { endEverythingIn } from '@pgaf/testing/end-processes';
import { processesIn } from '@pgaf/testing/process-table';

// Outlives the process that started it, however that one ends: its stdin is a pipe which that one alone holds.
// Services end by themselves when their parent is gone; what is left after the deadline is ended here.

const [directory] = process.argv.slice(2);
if (!directory) throw new Error('usage: reaper DIRECTORY');

const SERVICES_DEADLINE_MS = 5000;

process.stdin.resume();
process.stdin.once('close', () => void clear(directory));

async function clear(folder: string): Promise<void> {
  const deadline = performance.now() + SERVICES_DEADLINE_MS;
  while (processesIn(folder).length > 0 && performance.now() < deadline) await pause(50);
  await endEverythingIn(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
