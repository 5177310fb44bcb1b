import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { freezeAtRest } from './freeze-at-rest.js';
import { pidOf } from './pid-of.js';

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'freeze-at-rest-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

function start(program: string, ...args: readonly string[]): number {
  const child = spawn(program, args, { cwd: folder, stdio: 'ignore' });
  children.push(child);
  return pidOf({ pid: child.pid ?? 0 });
}

/** As of proc(5). */
const statOf = (pid: number): readonly string[] =>
  readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];

test('a process is frozen where it waits for events, whatever it does most of the time', async () => {
  const lock = join(folder, 'lock');
  // It sleeps with the lock, too, and works without a system call.
  const pid = start(
    process.execPath,
    '-e',
    `const { rmSync, writeFileSync } = require('node:fs');
     const asleep = new Int32Array(new SharedArrayBuffer(4));
     setInterval(() => {
       writeFileSync('lock', '');
       Atomics.wait(asleep, 0, 0, 4);
       for (const until = performance.now() + 4; performance.now() < until; );
       rmSync('lock');
     }, 10)`,
  );
  await vi.waitUntil(() => existsSync(lock), { timeout: 30_000, interval: 1 });
  for (let round = 0; round < 30; round++) {
    await freezeAtRest(pid);
    expect(existsSync(lock)).toBe(false);
    // What it would do next waits in vain for it.
    await pause(12);
    expect([existsSync(lock), statOf(pid)[0]]).toEqual([false, 'T']);
    process.kill(pid, 'SIGCONT');
    await vi.waitUntil(() => existsSync(lock), { timeout: 30_000, interval: 1 });
  }
});

test('one that waits for no events is refused, and goes on', async () => {
  const pid = start('sleep', '1000');
  await vi.waitUntil(() => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n', { timeout: 30_000 });
  await expect(freezeAtRest(pid, 200)).rejects.toThrow(`process ${pid} was never seen to wait for an event`);
  await vi.waitUntil(() => statOf(pid)[0] === 'S', { timeout: 30_000 });
});

test('one that has ended is none', async () => {
  const pid = start('true');
  await expect(freezeAtRest(pid)).rejects.toThrow(`process ${pid} has ended`);
});
