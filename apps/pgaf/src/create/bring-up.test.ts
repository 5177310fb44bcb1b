import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { freePort } from '@pgaf/core/testing/free-ports';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Sandbox, waitFor } from '../testing/run-pgaf.js';
import { OPEN, startSingleNode, type SingleNode } from '../testing/single-node.js';

const sandbox = new Sandbox();
let there: SingleNode;

beforeAll(async () => {
  there = await startSingleNode(sandbox);
}, 90_000);

afterAll(() => sandbox.dispose(), 60_000);

function start(args: readonly string[]): { readonly child: ChildProcess; readonly log: () => string } {
  const child = sandbox.start(args);
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  return { child, log: () => log };
}

it('says again and again for whom it waits, and goes on by the same command when it is stopped', async () => {
  const first = ['--pgdata', sandbox.path('first')];
  const stopped = await sandbox.run(['stop', ...first, '--keep-postgres']);
  expect(stopped.status, stopped.stderr).toBe(0);
  const create = [
    ...['create', 'postgres', '--pgdata', sandbox.path('second'), '--pgport', String(await freePort())],
    ...['--name', 'second', '--hostname', '127.0.0.1', '--monitor', there.monitorUri, ...OPEN],
  ];
  const cutOff = start(create);
  await waitFor('the registration', () => cutOff.log().includes('Registered node 2'));
  cutOff.child.kill('SIGTERM');
  const [status] = (await once(cutOff.child, 'exit')) as [number];
  expect(status, cutOff.log()).toBe(3);
  expect(cutOff.log()).toContain('give the same command again');
  expect(cutOff.log()).not.toContain('pgaf run');

  const again = start(create);
  const ended = once(again.child, 'exit');
  const said = /waits for its primary, node 1 "first" \(127\.0\.0\.1:\d+\), which is single and was told to/;
  await waitFor('whom it waits for', () => said.test(again.log()), 40_000).catch((error: unknown) => {
    throw new Error(`it said:\n${again.log()}`, { cause: error });
  });
  sandbox.start(['run', ...first]);
  expect((await ended)[0], again.log()).toBe(0);
}, 120_000);
