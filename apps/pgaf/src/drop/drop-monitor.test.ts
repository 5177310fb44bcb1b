import { existsSync, rmSync } from 'node:fs';
import { afterAll, expect, test, vi } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { errorsOf, Sandbox, waitFor } from '../testing/run-pgaf.js';

vi.setConfig({ testTimeout: 60_000 });

const sandbox = new Sandbox();
afterAll(() => sandbox.dispose());

async function create(name: string): Promise<string[]> {
  const here = ['--pgdata', sandbox.path(name)];
  const place = ['--pgport', String(await freePort()), '--hostname', '127.0.0.1'];
  const created = await sandbox.run(['create', 'monitor', ...here, ...place, '--auth', 'trust', '--no-ssl']);
  expect(created.status, created.stderr).toBe(0);
  return here;
}

test('a monitor without nodes is stopped, and keeps its files unless they are to go', async () => {
  const here = await create('running');
  const service = sandbox.start(['run', ...here]);
  await waitFor('the monitor', async () => (await sandbox.run(['show', 'state', ...here])).status === 0);
  const ended = new Promise((resolve) => service.once('exit', resolve));
  const dropped = await sandbox.run(['drop', 'monitor', ...here]);
  expect(dropped).toMatchObject({ status: 0, stdout: '' });
  expect(dropped.stderr).toMatch(/is stopped\n.*--destroy removes them\n/);
  expect(await ended).toBe(0);
  expect((await sandbox.run(['status', ...here])).status).toBe(3);
  expect(existsSync(`${sandbox.path('running')}/PG_VERSION`)).toBe(true);
  // Asked again, of a Postgres that is started for the question.
  expect((await sandbox.run(['drop', 'monitor', ...here, '--destroy'])).status).toBe(0);
  expect(sandbox.tree().filter((name) => name.includes('running'))).toEqual([]);
});

test('a monitor that cannot be asked is dropped by force only', async () => {
  const here = await create('broken');
  rmSync(`${sandbox.path('broken')}/global/pg_control`);
  const refused = await sandbox.run(['drop', 'monitor', ...here, '--destroy']);
  expect(refused.status).toBe(6);
  expect(errorsOf(refused.stderr)).toEqual([
    { msg: expect.stringMatching(/cannot be asked/), hint: expect.stringContaining('--force') },
  ]);
  expect(existsSync(`${sandbox.path('broken')}/PG_VERSION`)).toBe(true);
  expect((await sandbox.run(['drop', 'monitor', ...here, '--destroy', '--force'])).status).toBe(0);
  expect(existsSync(sandbox.path('broken'))).toBe(false);
});

test('a directory that is no monitor is left alone', async () => {
  sandbox.folder('other');
  sandbox.file('other/mine', 'mine');
  const before = sandbox.tree();
  const refused = await sandbox.run([
    'drop',
    'monitor',
    '--pgdata',
    sandbox.path('other'),
    '--destroy',
    '--force',
  ]);
  expect(refused.status).toBe(2);
  expect(errorsOf(refused.stderr)[0]?.msg).toMatch(/is not the data directory of a node/);
  expect(sandbox.tree()).toEqual(before);
});
