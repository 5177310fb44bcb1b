import { expect, it } from 'vitest';
import { postmastersAmong } from './end-processes.js';
import type { ProcessSeen } from './process-table.js';

const BINARY = '/usr/lib/postgresql/15/bin/postgres';
const START = `${BINARY} -D /tmp/node/data -p 6000`;

function postgres(pid: number, parent: number, command: string): ProcessSeen {
  return { pid, parent, state: 'S', program: 'postgres', command, directory: '/tmp/node/data' };
}

it('tells a postmaster from what it has just forked, also once pids have begun again', () => {
  const seen = [
    postgres(12, 900, START),
    postgres(17, 900, 'postgres: walwriter '),
    postgres(900, 1, START),
    postgres(903, 900, 'postgres: checkpointer '),
  ];
  expect(postmastersAmong(seen).map(({ pid }) => pid)).toEqual([900]);
});

it('takes no program for one that is only asked for its version, nor backends that have outlived theirs', () => {
  const seen = [
    postgres(12, 1, `${BINARY} --version`),
    postgres(17, 1, 'postgres: postgres app 127.0.0.1(1) -D '),
  ];
  expect(postmastersAmong(seen)).toEqual([]);
});
