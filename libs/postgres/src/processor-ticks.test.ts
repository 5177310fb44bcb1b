import { spawn, type ChildProcess } from 'node:child_process';
import { afterEach, expect, test, vi } from 'vitest';
import { isFrozen, livingProcess, processorTicks } from './processes.js';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function busy(): ChildProcess & { readonly pid: number } {
  const child = spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
  children.push(child);
  if (child.pid === undefined) throw new Error('no shell was started');
  return child as ChildProcess & { readonly pid: number };
}

async function worksOn({ pid }: { pid: number }): Promise<void> {
  const before = processorTicks(pid) ?? 0;
  await vi.waitUntil(() => (processorTicks(pid) ?? 0) > before + 5, { timeout: 30_000 });
}

test('a process that works uses processor time; one that is frozen uses none, and one that is gone has none', async () => {
  const [working, frozen] = [busy(), busy()];
  await worksOn(frozen);
  frozen.kill('SIGSTOP');
  await vi.waitUntil(
    () => {
      const known = livingProcess(frozen.pid);
      return known !== undefined && isFrozen(known);
    },
    { timeout: 30_000 },
  );
  const used = processorTicks(frozen.pid);
  await worksOn(working);
  expect(processorTicks(frozen.pid)).toBe(used);

  const ended = new Promise((resolve) => frozen.once('exit', resolve));
  frozen.kill('SIGKILL');
  await ended;
  expect(processorTicks(frozen.pid)).toBeNull();
});
