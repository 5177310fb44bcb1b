import { chownSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admitClients, rejectClients } from '@pgaf/postgres/closed-hba';
import { Sandbox, waitFor } from '../testing/run-pgaf.js';
import { startSingleNode } from '../testing/single-node.js';

const sandbox = new Sandbox();
const ready = (folder: string) => sandbox.run(['ready', '--pgdata', sandbox.path(folder)]);
const stop = (folder: string) => sandbox.run(['stop', '--pgdata', sandbox.path(folder)]);
const stateFile = `${sandbox.path('data')}/pg_autoctl${sandbox.path('first')}/pg_autoctl.state`;

beforeAll(() => startSingleNode(sandbox).then(() => undefined), 120_000);
afterAll(() => sandbox.dispose());

async function awaitStatus(folder: string, status: number): Promise<string> {
  let seen = '';
  await waitFor(
    `${folder} to be ready or not`,
    async () => {
      const answer = await ready(folder);
      seen = answer.stdout + answer.stderr;
      return answer.status === status;
    },
    30_000,
    () => seen,
  );
  return seen;
}

describe('pgaf ready', () => {
  it('says that a node takes part, and a monitor', async () => {
    expect(await awaitStatus('first', 0)).toBe('ready: single\n');
    expect(await awaitStatus('monitor', 0)).toBe('ready: monitor\n');
  });

  it('says which state takes neither reads nor writes', async () => {
    const text = readFileSync(stateFile, 'utf8');
    const state = JSON.parse(text) as Record<string, unknown>;
    writeFileSync(stateFile, JSON.stringify({ ...state, current: 'maintenance' }));
    expect(await ready('first')).toMatchObject({ status: 3, stdout: 'not ready: it is maintenance\n' });
    writeFileSync(stateFile, text);
  });

  it('says that clients are rejected', async () => {
    const pgdata = sandbox.path('first');
    const { uid, gid } = statSync(`${pgdata}/pg_hba.conf`);
    await rejectClients(pgdata, 'postgres');
    chownSync(`${pgdata}/pg_hba.conf`, uid, gid);
    expect(await ready('first')).toMatchObject({
      status: 5,
      stdout: 'not ready: its Postgres rejects clients\n',
    });
    await admitClients(pgdata);
    chownSync(`${pgdata}/pg_hba.conf`, uid, gid);
  });

  it('does not depend on the monitor', async () => {
    expect((await stop('monitor')).status).toBe(0);
    expect(await awaitStatus('monitor', 3)).toMatch('not ready: its service does not run');
    expect(await awaitStatus('first', 0)).toBe('ready: single\n');
  }, 60_000);

  it('says that a service does not run, or was never created', async () => {
    expect((await stop('first')).status).toBe(0);
    expect(await awaitStatus('first', 3)).toMatch('not ready: its service does not run');
    expect(await ready('nowhere')).toMatchObject({ status: 2 });
  }, 60_000);
});
