import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BugError } from '@pgaf/core/errors';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from './deadline.js';
import {
  carries,
  isAlive,
  processesIn,
  processesInNamespaceOf,
  processorMs,
  pssBytes,
} from './process-table.js';

let directory = '';
beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'pgaf-processes-')));
});
afterAll(() => rmdirSync(directory));

it('finds a process by its mark and one by its directory, and sees them end', async () => {
  const marked = spawn('sleep', ['60'], {
    env: { PGAF_HOST: `${directory}/node`, PATH: process.env['PATH'] },
  });
  const inside = spawn('sleep', ['60'], { cwd: directory, env: { PATH: process.env['PATH'] } });
  const pids = () => processesIn(directory).map((seen) => seen.pid);
  try {
    await until({ what: 'both processes', deadlineMs: 20_000 }, () => pids().length === 2);
    expect(new Set(pids())).toEqual(new Set([marked.pid, inside.pid]));
    expect(processesIn(directory).map((seen) => seen.program)).toEqual(['sleep', 'sleep']);
  } finally {
    marked.kill('SIGKILL');
    inside.kill('SIGKILL');
  }
  await until({ what: 'no process', deadlineMs: 20_000 }, () => pids().length === 0);
  expect(isAlive(inside.pid ?? 0)).toBe(false);
}, 60_000);

it.each(['', '/', '/tmp', 'tmp/host', '/tmp/'])('does not look for processes in "%s"', (directory) => {
  expect(() => processesIn(directory)).toThrow(BugError);
});

it.each([process.pid, process.ppid])('does not take process %s for one of a container', (pid) => {
  expect(() => processesInNamespaceOf(pid, `PATH=${process.env['PATH']}`)).toThrow(BugError);
});

it('tells a process by a variable that it was started with', async () => {
  const { pid = 0 } = spawn('sleep', ['60'], { env: { PGAF_MACHINE: 'this', PATH: process.env['PATH'] } });
  try {
    await until({ what: 'the variable', deadlineMs: 20_000 }, () => carries(pid, 'PGAF_MACHINE=this'));
    expect(carries(pid, 'PGAF_MACHINE=th')).toBe(false);
    expect(carries(pid, 'PGAF_MACHINE=another')).toBe(false);
  } finally {
    process.kill(pid, 'SIGKILL');
  }
});

it('measures memory and processor time of a process', () => {
  expect(pssBytes(process.pid)).toBeGreaterThan(10_000_000);
  expect(processorMs(process.pid)).toBeGreaterThan(0);
});
