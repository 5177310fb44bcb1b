import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readPidFile, takePidFile } from './pid-file.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgaf-pid-'));
  path = join(folder, 'pg_autoctl', 'data', 'pg_autoctl.pid');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the pid file', () => {
  it('has the lines of the reference, then the services', () => {
    const file = takePidFile(path, '/data', '1.2.3', '5');
    file.setServices([
      { pid: 7, name: 'postgres' },
      { pid: process.pid, name: 'listener' },
    ]);
    expect(readFileSync(path, 'utf8')).toBe(
      `${process.pid}\n/data\n1.2.3\n5\n0\n7 postgres\n${process.pid} listener\n`,
    );
    expect(readPidFile(path)).toEqual({
      alive: true,
      service: {
        pid: process.pid,
        pgdata: '/data',
        version: '1.2.3',
        schema: '5',
        services: [
          { pid: 7, name: 'postgres' },
          { pid: process.pid, name: 'listener' },
        ],
        waiting: null,
      },
    });
    file.setWaiting('a disk\nwith room');
    expect(readPidFile(path)?.service).toMatchObject({
      services: [{ name: 'postgres' }, { name: 'listener' }],
      waiting: 'a disk with room',
    });
    file.setWaiting(null);
    expect(readPidFile(path)?.service.waiting).toBeNull();
    file.remove();
    expect(existsSync(join(folder, 'pg_autoctl'))).toBe(false);
  });

  it('is refused while its process lives', async () => {
    takePidFile(path, '/data', '1', '5');
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'pgaf'], { stdio: 'ignore' });
    const lines = readFileSync(path, 'utf8').split('\n');
    writeFileSync(path, [String(other.pid), ...lines.slice(1)].join('\n'));
    expect(() => takePidFile(path, '/data', '1', '5')).toThrow(/running already, with pid/);
    const ended = new Promise((resolve) => other.once('exit', resolve));
    other.kill('SIGKILL');
    await ended;
    expect(readPidFile(path)?.alive).toBe(false);
    takePidFile(path, '/data', '1', '5').remove();
  });

  it('counts a pid that came round to a stranger as stale', () => {
    takePidFile(path, '/data', '1', '5');
    const lines = readFileSync(path, 'utf8').split('\n');
    writeFileSync(path, ['1', ...lines.slice(1)].join('\n'));
    expect(readPidFile(path)?.alive).toBe(false);
  });

  it('is nobody’s when it is empty or missing', () => {
    expect(readPidFile(path)).toBeNull();
    takePidFile(path, '/data', '1', '5');
    writeFileSync(path, '');
    expect(readPidFile(path)).toBeNull();
    takePidFile(path, '/data', '1', '5').remove();
  });

  it('is taken where one that was killed had the same pid, as in a container that starts again', () => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${process.pid}\n/data\n0.0.1\n1\n0\n1 postgres\n`);
    expect(readPidFile(path)?.alive).toBe(false);
    const file = takePidFile(path, '/data', '0.1.0', '5');
    expect(readPidFile(path)?.service).toMatchObject({ pid: process.pid, version: '0.1.0', services: [] });
    expect(readPidFile(path)?.alive).toBe(true);
    file.remove();
    expect(readPidFile(path)).toBeNull();
  });

  it('is not held by a thread of a service that has the pid of the one before', async () => {
    // Its words in /proc are those of a service.
    const service = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)', 'pgaf', 'run']);
    try {
      const pid = service.pid ?? 0;
      const threads = () =>
        readdirSync(`/proc/${pid}/task`)
          .map(Number)
          .filter((id) => id !== pid);
      await expect.poll(() => threads().length, { timeout: 20_000 }).toBeGreaterThan(0);
      mkdirSync(dirname(path), { recursive: true });
      const write = (id: number) => writeFileSync(path, `${id}\n/data\n0.0.1\n1\n0\n`);
      write(pid);
      await expect.poll(() => readPidFile(path)?.alive, { timeout: 20_000 }).toBe(true);
      write(threads()[0] ?? 0);
      expect(readPidFile(path)?.alive).toBe(false);
    } finally {
      service.kill('SIGKILL');
    }
  });
});
