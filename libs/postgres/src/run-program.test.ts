import { expect, test } from 'vitest';
import { commandLine, runProgram } from './run-program.js';

test('gives output and lines, progress included', async () => {
  const lines: string[] = [];
  const { stdout } = await runProgram({
    program: 'sh',
    args: ['-c', 'printf "1%%\\r2%%\\r3%%\\n" >&2; echo out'],
    onLine: (line, stream) => lines.push(`${stream} ${line}`),
  });
  expect(stdout).toBe('out\n');
  expect(lines.filter((line) => line.startsWith('stderr'))).toEqual(['stderr 1%', 'stderr 2%', 'stderr 3%']);
});

test('a failure tells command, status and last lines', async () => {
  const failed = await runProgram({ program: 'sh', args: ['-c', 'echo one >&2; exit 3'] }).catch(
    (e: unknown) => e,
  );
  expect(failed).toMatchObject({ command: `sh -c 'echo one >&2; exit 3'`, exitStatus: 3, lastLines: 'one' });
  await expect(runProgram({ program: '/no/such', args: [] })).rejects.toMatchObject({
    exitStatus: 'not started',
  });
});

test('an abort ends the program before it rejects', async () => {
  const abort = new AbortController();
  const running = runProgram({
    program: 'sh',
    args: ['-c', 'echo ready; exec sleep 60'],
    signal: abort.signal,
    onLine: () => abort.abort(new Error('enough')),
  });
  await expect(running).rejects.toThrow('enough');
});

test('an abort ends what the program has started, too', async () => {
  const abort = new AbortController();
  const running = runProgram({
    program: 'sh',
    args: ['-c', 'sleep 60 & echo ready; wait'],
    signal: abort.signal,
    onLine: () => abort.abort(new Error('enough')),
  });
  await expect(running).rejects.toThrow('enough');
}, 20_000);

test('hides passwords', () => {
  expect(commandLine('p', ['--dbname=host=x password=secret user=y'])).toBe(
    `p '--dbname=host=x password=**** user=y'`,
  );
});
