import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { FormationView } from '@pgaf/core/formation-view';
import { createLogger } from '@pgaf/logging/logger';
import { adoptPostmaster } from '@pgaf/postgres/postmaster';
import { reportOf } from './heartbeat.js';
import { Situation } from './situation.js';
import { readStateFile } from './state-file.js';
import { HostAddresses, type NameService } from './host-addresses.js';
import { hostsChanged, putHbaInForce, writeHba } from './steps/hba.js';
import { atRest, newMonitor, newNode, type TestNode } from './testing/test-nodes.js';

/** What the parts of a keeper know of a node whose Postgres runs, while no keeper does. */
async function situationOf(node: TestNode): Promise<Situation> {
  await node.end('handOff');
  const state = readStateFile(node.config.statePath);
  if (!state) throw new Error('no state file');
  const situation = new Situation({
    config: node.config,
    state,
    monitor: node.monitor.link(),
    log: createLogger({ level: 'error', format: 'json', destination: { write: () => undefined } }),
    requirements: { role: 'node', hba: [{ user: 'peer', from: 'formation' }] },
  });
  await situation.instance.adopt();
  situation.assignment = await situation.monitor.report(reportOf(situation));
  return situation;
}

function viewOf(...hosts: string[]): FormationView {
  const nodes = hosts.map((host, id) => ({
    id,
    name: `n${id}`,
    host,
    port: 1,
    role: 'node',
    cluster: 'default',
    reported: 'single' as const,
    goal: 'single' as const,
  }));
  return {
    formation: 'default',
    kind: 'pgsql',
    dbname: 'app',
    groups: [{ group: 0, epoch: 1, leader: 1, memory: {}, restored: false, nodes }],
  };
}

async function singleNode(): Promise<TestNode> {
  const monitor = newMonitor();
  const node = await newNode(monitor);
  await node.create();
  await atRest(monitor, { 1: 'single' });
  return node;
}

async function addressesInForce(node: TestNode): Promise<string[]> {
  const rows = await node.sql.query<{ address: string }>(
    `SELECT address FROM pg_hba_file_rules WHERE user_name = '{peer}' ORDER BY address`,
  );
  return rows.map(({ address }) => address);
}

test('whoever writes pg_hba.conf at the same time, all is done and the last one holds', async () => {
  const node = await singleNode();
  const situation = await situationOf(node);
  await hostsChanged(situation, viewOf('10.0.0.1'));
  await writeHba(situation);

  const writers = Array.from({ length: 20 }, async (_, i) => {
    if (i % 4 === 0) situation.closedAt = i % 8 === 0 ? 1 : null;
    if (i % 2 === 0) return putHbaInForce(situation);
    await hostsChanged(situation, viewOf('10.0.0.1', `10.0.0.${i + 2}`));
  });
  expect(
    (await Promise.allSettled(writers)).flatMap((end) => (end.status === 'rejected' ? [end] : [])),
  ).toEqual([]);
  situation.closedAt = null;
  await hostsChanged(situation, viewOf('10.0.0.7'));
  await putHbaInForce(situation);
  expect(await addressesInForce(node)).toEqual(['10.0.0.7']);
  expect(await readFile(`${node.config.pgdata}/pg_hba.conf`, 'utf8')).not.toContain('clients are rejected');
  expect(situation.hbaHolds()).toBe(true);
  await situation.instance.release();
});

test('hosts whose lines Postgres was not told to read are not taken for known', async () => {
  const node = await singleNode();
  const situation = await situationOf(node);
  await hostsChanged(situation, viewOf('127.0.0.1'));
  await putHbaInForce(situation);
  expect(situation.hbaHolds()).toBe(true);

  const loadedAt = async () => {
    await node.sql.close();
    return (await node.sql.query<{ at: string }>('SELECT pg_conf_load_time()::text AS at'))[0]?.at;
  };
  await node.sql.close();
  await situation.instance.sql.close();
  const postmaster = await adoptPostmaster(node.config.pgdata);
  if (!postmaster) throw new Error('no postmaster');
  process.kill(postmaster.pid, 'SIGSTOP');
  try {
    await expect(hostsChanged(situation, viewOf('127.0.0.1', '127.0.0.9'))).rejects.toThrow('Local Postgres');
  } finally {
    process.kill(postmaster.pid, 'SIGCONT');
    postmaster.release();
  }
  expect(situation.hbaHolds()).toBe(false);
  const before = await loadedAt();
  await hostsChanged(situation, viewOf('127.0.0.1', '127.0.0.9'));
  expect(situation.hbaHolds()).toBe(true);
  await expect.poll(loadedAt, { timeout: 20_000 }).not.toBe(before);
  await situation.instance.release();
});

test('a host whose address leads to another name is let in by its address, and the one that it has later', async () => {
  const node = await singleNode();
  const situation = await situationOf(node);
  const addresses: Record<string, string> = { one: '10.0.0.5', two: '10.0.0.7' };
  const namesOf: Record<string, string> = { '10.0.0.5': 'one.network', '10.0.0.7': 'TWO' };
  const names: NameService = {
    addressesOf: (name) =>
      addresses[name] ? Promise.resolve([addresses[name]]) : Promise.reject(new Error('no such name')),
    nameOf: (address) => Promise.resolve(namesOf[address] ?? null),
  };
  let news = 0;
  const looking = new HostAddresses(situation, () => news++, names);
  const known = async (hosts: readonly string[], heard: number) => {
    await hostsChanged(situation, viewOf(...hosts));
    looking.lookWhenDue();
    await expect.poll(() => news, { timeout: 20_000 }).toBe(heard);
    await putHbaInForce(situation);
    return addressesInForce(node);
  };
  await hostsChanged(situation, viewOf('one', 'two'));
  await putHbaInForce(situation);
  expect(await addressesInForce(node)).toEqual(['one', 'two']);

  expect(await known(['one', 'two'], 1)).toEqual(['10.0.0.5', 'one', 'two']);
  addresses['one'] = '10.0.0.6';
  expect(await known(['one', '10.1.1.1', 'three', 'two'], 2)).toEqual([
    '10.0.0.6',
    '10.1.1.1',
    'one',
    'three',
    'two',
  ]);
  // Nobody can be asked: what was known stays.
  delete addresses['one'];
  namesOf['10.0.0.7'] = 'two.network';
  expect(await known(['one', 'two'], 3)).toEqual(['10.0.0.6', '10.0.0.7', 'one', 'two']);
  // Whose node is dropped is let in no more, by no address either, whoever has that by now.
  await hostsChanged(situation, viewOf('two'));
  expect(await addressesInForce(node)).toEqual(['10.0.0.7', 'two']);
  looking.close();
  await situation.instance.release();
});
