import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { errorsOf, Sandbox, waitFor } from '../testing/run-pgaf.js';

const sandbox = new Sandbox();
afterAll(() => sandbox.dispose());

test('a second service of a monitor, which finds no pid file, ends and leaves the first and its Postgres alone', async () => {
  const pgdata = sandbox.path('monitor');
  const here = ['--pgdata', pgdata];
  const place = [
    '--pgport',
    String(await freePort()),
    '--hostname',
    '127.0.0.1',
    '--auth',
    'trust',
    '--no-ssl',
  ];
  const first = sandbox.start(['create', 'monitor', ...here, ...place, '--run']);
  await waitFor('the monitor', async () => (await sandbox.run(['show', 'state', ...here])).status === 0);
  const postmaster = (): string => readFileSync(`${pgdata}/postmaster.pid`, 'utf8').split('\n')[0] ?? '';
  const before = postmaster();
  const second = await sandbox.run(['run', ...here], { XDG_RUNTIME_DIR: sandbox.folder('elsewhere') });
  expect(second.status).toBe(12);
  expect(errorsOf(second.stderr)).toContainEqual({
    msg: expect.stringMatching(/Another monitor service decides already \(pid \d+/),
    hint: expect.stringContaining('stop the other one first'),
  });
  expect(postmaster()).toBe(before);
  expect(first.exitCode).toBeNull();
  expect((await sandbox.run(['show', 'state', ...here])).status).toBe(0);
}, 90_000);
