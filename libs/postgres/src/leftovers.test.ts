import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { expect, test } from 'vitest';
import { childrenOf } from './children.js';
import { findPostmaster } from './find-postmaster.js';
import { endLeftovers } from './leftovers.js';
import { livingProcess, postgresProcessesOf, sendSignal } from './processes.js';
import { newPrimary, temporaryDirectory } from './testing/servers.js';
import { until } from './until.js';

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

test('nor is one that was frozen before it had a title, however long ago', async () => {
  const { pgdata, upstream } = await newPrimary();
  const postmaster = await findPostmaster(pgdata);
  // A client that does not say who it is: until it does, its backend has no title.
  const client = connect(upstream.port, upstream.host);
  await once(client, 'connect');
  const untitled = await until(
    () => {
      const child = childrenOf(pidOf(postmaster)).find(({ title }) => !title.startsWith('postgres: '));
      return child && livingProcess(child.pid);
    },
    { everyMs: 5 },
  );
  sendSignal(untitled, 'SIGSTOP');
  for (const one of postgresProcessesOf(pgdata).filter(({ pid }) => pid !== untitled.pid))
    sendSignal(one, 'SIGKILL');
  await until(() => (postgresProcessesOf(pgdata).length === 1 ? true : undefined), { everyMs: 5 });
  client.destroy();
  expect(await findPostmaster(pgdata)).toBeUndefined();
  expect(await endLeftovers(pgdata)).toEqual({ found: 1, doomed: 0 });
});
