import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Secret } from '@pgaf/logging/secret';
import type { NodeConfig } from './node-config.js';
import { atRest, TestNode, twoNodes, until } from './testing/test-nodes.js';

const scram = (password: string): Partial<NodeConfig> => ({
  auth: 'scram-sha-256',
  replicationPassword: new Secret(password),
});

function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}

test('the password is in no file of a data directory, and its own file is closed to others', async () => {
  const { first, second } = await twoNodes(scram('a: rare\\ word'));
  for (const { config } of [first, second]) {
    expect(filesWith(config.pgdata, 'rare')).toEqual([]);
    expect(statSync(config.passfile).mode & 0o077).toBe(0);
  }
  const [row] = await second.sql.query<{ conninfo: string }>(
    `SELECT current_setting('primary_conninfo') AS conninfo`,
  );
  expect(row?.conninfo).toContain(`passfile=${second.config.passfile}`);
});

test('a password that was changed at both nodes is in force at both', async () => {
  const { monitor, first, second } = await twoNodes(scram('old'));
  await first.end('handOff');
  await second.end('handOff');
  const renewed = [first, second].map((node) => new TestNode({ ...node.config, ...scram('new') }, monitor));
  for (const node of renewed) node.run();
  try {
    await until('the walreceiver finds the new one', monitor, () =>
      readFileSync(second.config.passfile, 'utf8').endsWith(':new\n'),
    );
    await until('the role has a new one', monitor, () =>
      first.lines.concat(...renewed.map((node) => node.lines)).some((line) => /has the password/.test(line)),
    );
    await first.sql.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE application_name LIKE '%standby%'`,
    );
    await until(
      'the stream is back',
      monitor,
      async () =>
        (await first.sql.query(`SELECT FROM pg_stat_replication WHERE state = 'streaming'`)).length === 1,
    );
    monitor.command({ kind: 'perform_failover' });
    await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  } finally {
    for (const node of renewed) await node.end('handOff');
  }
});
