import { spawn, type ChildProcess } from 'node:child_process';
import type * as Fs from 'node:fs';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { takePidFile } from './pid-file.js';

/** Called before each call of these functions of fs: what another process does meanwhile. */
const turn = vi.hoisted(() => ({ before: (): void => undefined }));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  const names = ['linkSync', 'renameSync', 'rmSync', 'readFileSync', 'statSync', 'openSync'] as const;
  const hooked = names.map((name) => {
    const real = fs[name] as (...args: unknown[]) => unknown;
    return [name, (...args: unknown[]) => (turn.before(), real(...args))] as const;
  });
  return { ...fs, ...Object.fromEntries(hooked) };
});

const folder = mkdtempSync(join(tmpdir(), 'pgaf-pid-'));
const path = join(folder, 'pg_autoctl', 'data', 'pg_autoctl.pid');
const services: ChildProcess[] = [];
const ownPid = process.pid;
beforeAll(async () => {
  // Their words in /proc are those of a service.
  for (let i = 0; i < 3; i++) services.push(spawn('sleep', ['600'], { argv0: 'pgaf' }));
  await Promise.all(services.map((one) => new Promise((resolve) => one.once('spawn', resolve))));
});
afterAll(() => {
  for (const one of services) one.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function become(pid: number): void {
  Object.defineProperty(process, 'pid', { value: pid, configurable: true });
}

/** Takes the file as this process would, from its beginning to its end; true when it has it. */
function takesAs(pid: number): boolean {
  const [before, who] = [turn.before, process.pid];
  turn.before = () => undefined;
  become(pid);
  try {
    takePidFile(path, '/data', '1', '5');
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'already-running' });
    return false;
  } finally {
    become(who);
    turn.before = before;
  }
}

/** Who has the file when the second starts at this call of the first, and the third at that one. Null: so many are not made. */
function winners(second: number, third: number): number[] | null {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '999999\n/data\n1\n5\n0\n');
  const pids = services.map(({ pid = 0 }) => pid);
  const won: number[] = [];
  let calls = 0;
  become(pids[0] ?? 0);
  turn.before = () => {
    calls++;
    for (const [i, at] of [second, third].entries()) {
      const pid = pids[i + 1] ?? 0;
      if (calls === at && takesAs(pid)) won.push(pid);
    }
  };
  try {
    takePidFile(path, '/data', '1', '5');
    won.push(process.pid);
  } catch (error) {
    expect(error).toMatchObject({ code: 'already-running' });
  } finally {
    turn.before = () => undefined;
    become(ownPid);
  }
  return calls < third ? null : won;
}

it('one of three that find a stale file has it, and is named in it, wherever they meet', () => {
  let met = 0;
  for (let second = 1; ; second++) {
    if (winners(second, second) === null) break;
    for (let third = second; ; third++) {
      const won = winners(second, third);
      if (won === null) break;
      met++;
      expect(won, `the second at call ${second}, the third at call ${third}`).toHaveLength(1);
      expect(Number(readFileSync(path, 'utf8').split('\n')[0])).toBe(won[0]);
    }
  }
  expect(met).toBeGreaterThan(20);
});
