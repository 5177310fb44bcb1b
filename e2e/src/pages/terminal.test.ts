import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { shellHere, Terminal } from './terminal.js';

let directory = '';
let terminal: Terminal;
beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'pgaf-terminal-')));
  terminal = new Terminal(shellHere(directory, directory, { PATH: process.env['PATH'] ?? '' }));
});
afterAll(() => {
  terminal.close();
  rmSync(directory, { recursive: true, force: true });
});

it('shows stdout and stderr, and keeps variables from one command to the next', async () => {
  expect(await terminal.type('greeting=hello')).toEqual({ status: 0, output: '' });
  expect(await terminal.type('echo $greeting\necho world >&2')).toEqual({
    status: 0,
    output: 'hello\nworld\n',
  });
  expect(await terminal.type('false')).toEqual({ status: 1, output: '' });
});

it('is a terminal for its programs, and shows no colours', async () => {
  const typed = await terminal.type("test -t 1 && test -t 2 && printf '\\033[31mred\\033[0m\\n'");
  expect(typed).toEqual({ status: 0, output: 'red\n' });
});

it('leaves a job in the background', async () => {
  expect((await terminal.type('sleep 60 &\njob=$!')).status).toBe(0);
  expect((await terminal.type('kill $job')).status).toBe(0);
});

it('says nothing of a job that was killed', async () => {
  await terminal.type('sleep 60 &\njob=$!');
  const gone = 'while kill -0 $job 2>/dev/null; do :; done';
  expect(await terminal.type(`kill -9 $!\n${gone}`)).toEqual({ status: 0, output: '' });
  expect(await terminal.type('true')).toEqual({ status: 0, output: '' });
});
