import { once } from 'node:events';
import { connect } from 'node:net';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { childrenOf } from '@pgaf/postgres/children';
import { findPostmaster } from '@pgaf/postgres/find-postmaster';
import { expect, test } from 'vitest';
import { atRest, twoNodes, until } from './testing/test-nodes.js';

/** `authentication_timeout` is a minute. */
const WITHIN = 30_000;

test('a Postgres one of whose processes is killed does not wait for a client that says nothing', async () => {
  const { monitor, first } = await twoNodes();
  const postmaster = pidOf(await findPostmaster(first.config.pgdata));
  const [backend] = await first.sql.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const writer = childrenOf(postmaster).find(({ title }) => title.includes('background writer'));
  // Frozen, it is waited for until it is killed: that is when the client comes.
  process.kill(pidOf(writer), 'SIGSTOP');
  process.kill(pidOf(backend), 'SIGKILL');
  const answers = async (): Promise<boolean> =>
    (await first.sql.query('SELECT 1').catch(() => [])).length > 0;
  await until('it answers nobody', monitor, async () => !(await answers()));
  const silent = connect(first.config.port, '127.0.0.1').on('error', () => undefined);
  await once(silent, 'connect');
  try {
    const answers = async (): Promise<boolean> =>
      (await first.sql.query('SELECT 1').catch(() => [])).length > 0;
    await until('it answers again', monitor, answers, WITHIN);
    expect((await findPostmaster(first.config.pgdata))?.pid).toBe(postmaster);
    await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  } finally {
    silent.destroy();
  }
});
