import { spawn } from 'node:child_process';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { endLeftovers } from './leftovers.js';
import { temporaryDirectory } from './testing/servers.js';

test('a child that its postmaster has left before it had a title is no postmaster', async () => {
  const directory = await temporaryDirectory();
  try {
    const pgdata = join(directory, 'data');
    const program = join(directory, 'postgres');
    await mkdir(pgdata);
    await copyFile('/bin/bash', program);
    const child = spawn(program, ['-c', 'read line; exec -a "postgres: backend" "$0" -c "read -t 60"'], {
      cwd: pgdata,
      argv0: program,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    setTimeout(() => child.stdin.write('\n'), 300);
    expect(await endLeftovers(pgdata)).toEqual({ found: 1, doomed: 0 });
    expect(await ended).not.toBeNull();
  } finally {
    await rm(directory, { recursive: true });
  }
});
