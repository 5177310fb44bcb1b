import { execFile } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeOwnedDirectory, postgresOwner } from '@pgaf/testing/owner';
import { pgafBin } from '@pgaf/testing/workspace';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresWith } from './postgres-with.js';

let directory = '';
beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'pgaf-citus-input-')));
  const owner = postgresOwner();
  for (const folder of ['.', 'config', 'share', 'run']) makeOwnedDirectory(join(directory, folder), owner);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function create(...args: readonly string[]): Promise<{ status: number | string | null; stderr: string }> {
  const place = ['--pgdata', join(directory, 'data'), '--hostname', '127.0.0.1'];
  const monitor = ['--monitor', 'postgres://autoctl_node@127.0.0.1:1/pg_auto_failover', '--wait', '0'];
  const env = {
    ...{ PATH: process.env['PATH'], HOME: directory, XDG_CONFIG_HOME: join(directory, 'config') },
    ...{ XDG_DATA_HOME: join(directory, 'share'), XDG_RUNTIME_DIR: join(directory, 'run') },
  };
  const words = [pgafBin(), 'create', ...args, ...place, ...monitor, '--auth', 'trust', '--no-ssl'];
  return new Promise((resolve) => {
    execFile(process.execPath, words, { env, cwd: directory }, (error, _stdout, stderr) =>
      resolve({ status: error?.code ?? 0, stderr }),
    );
  });
}

describe('a Citus node is not made', () => {
  it.each([
    ['of a worker in the group of the coordinator', ['worker', '--group', '0'], /Group 0 is the coordinator/],
    [
      'of a worker in a group that is no number',
      ['worker', '--group', 'one'],
      /--group: "one" is not allowed/,
    ],
    ['of a worker in a group below 0', ['worker', '--group', '-1'], /--group: "-1" is not allowed/],
    [
      'of a worker behind a pooler at no port',
      ['worker', '--proxyport', '70000'],
      /--proxyport: "70000" is not allowed.* from 0 to 65535/,
    ],
    [
      'of a read replica of a cluster that is no name',
      ['worker', '--citus-secondary', '--citus-cluster', 'a b'],
      /"a b" is no name of a cluster/,
    ],
    [
      'of a read replica without a cluster',
      ['worker', '--citus-secondary'],
      /no cluster that it serves reads of/,
    ],
    [
      'of a read replica with a priority',
      ['coordinator', '--citus-secondary', '--citus-cluster', 'readers', '--candidate-priority', '10'],
      /--candidate-priority is 10/,
    ],
    ['of a cluster without a read replica', ['worker', '--citus-cluster', 'readers'], /read replicas only/],
  ])('%s', async (_what, args, message) => {
    const { status, stderr } = await create(...args);
    expect(stderr).toMatch(message);
    expect(stderr).toContain('hint: ');
    expect(status).toBe(1);
  });

  it('where Citus is missing', async () => {
    const { status, stderr } = await create(
      'worker',
      '--pgctl',
      postgresWith(join(directory, 'without'), {}),
    );
    expect(stderr).toMatch(/has no extension "citus"/);
    expect(stderr).toMatch(/hint: Install the package of citus/);
    expect(status).not.toBe(0);
  });

  it('where Citus is too old', async () => {
    const pgctl = postgresWith(join(directory, 'old'), { citus: '10.2-4' });
    const { status, stderr } = await create('coordinator', '--pgctl', pgctl);
    expect(stderr).toMatch(/has version 10\.2-4 of the extension "citus", and 11\.0 is needed/);
    expect(status).not.toBe(0);
  });
});
