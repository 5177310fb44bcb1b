import type { Formation, Member } from '@pgaf/testing/formation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CitusClients } from './citus-clients.js';
import {
  activeWorkers,
  coordinatorUri,
  layOutCitus,
  onCoordinator,
  placeOf,
  primaryOfGroup,
  startCitusNode,
} from './citus-formation.js';
import { lostRows, makeTables } from './citus-tables.js';
import { citusVersion } from './real-citus.js';

const version = await citusVersion();

/** A coordinator alone, a pair of workers in group 1, and a worker alone in each of the groups 2 and 3. */
describe.skipIf(version === null)('a node of a Citus formation is dropped', () => {
  let formation: Formation;
  beforeAll(async () => {
    formation = await layOutCitus(3);
    // The order of registration is the order of numbers.
    for (const [number, group] of [[1], [2, 1], [3, 1], [4, 2], [5, 3]] as const) {
      if (group === undefined) await startCitusNode(formation, number);
      else await formation.startNode(number, 'worker', ['--group', String(group)]);
    }
    await formation.waitUntilStable();
    await formation.wait('four groups in pg_dist_node', async () => (await groups()).length === 4);
    await onCoordinator(formation, makeTables);
  });
  afterAll(() => formation?.dispose());

  const groups = async () => Object.keys(await activeWorkers(formation).catch(() => ({})));
  const drop = ({ host }: Member, ...flags: readonly string[]) =>
    formation.onMonitor(['drop', 'node', '--name', host.name, ...flags]);
  const worker = async (group: number) => {
    const state = (await formation.states()).find((one) => one.group === group && one.goal === 'single');
    return formation.named(state?.name ?? `no single node in group ${group}`);
  };

  it('not while a transaction would fail, which is named', async () => {
    const leaving = await primaryOfGroup(formation, 1);
    await onCoordinator(formation, async (client) => {
      await client.query('BEGIN');
      await client.query('SELECT count(*) FROM load_rows');
      const [own] = (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows;
      const refused = await drop(leaving);
      expect(refused.status, refused.stderr).toBe(3);
      expect(refused.stderr).toMatch(new RegExp(`is not dropped: .*process ${own?.pid} of postgres`));
      await client.query('SELECT count(*) FROM load_rows');
      await client.query('COMMIT');
    });
    await formation.waitUntilStable();
    expect((await primaryOfGroup(formation, 1)).host.name).toBe(leaving.host.name);
  });

  it('as the primary of a pair under load, and no statement through the coordinator fails', async () => {
    const leaving = await primaryOfGroup(formation, 1);
    const clients = new CitusClients(coordinatorUri(formation), 1_000_000);
    clients.start();
    await formation.wait('the clients to work', async () => clients.answers > 100);
    const done = await drop(leaving);
    expect(done.status, `${done.stderr}\n${await formation.describe()}`).toBe(0);
    const since = clients.answers;
    await formation.wait('the clients to go on', async () => clients.answers > since + 100);
    const met = await clients.stop();
    expect(met.failures, await formation.describe()).toEqual([]);
    expect(await onCoordinator(formation, (client) => lostRows(client, met))).toEqual([]);
    await formation.waitUntilStable();
    expect(Object.values(await activeWorkers(formation))).not.toContain(placeOf(leaving));
  });

  it('not as the last one of a group while there are shards nowhere else; at once when they have moved', async () => {
    const last = await worker(1);
    const refused = await drop(last);
    expect(refused.status, refused.stderr).toBe(3);
    expect(refused.stderr).toMatch(/is not dropped: group 1 alone has \d+ shards/);
    expect(refused.stderr).toContain(`SELECT citus_drain_node('${last.host.address}', ${last.port})`);
    await formation.waitForState(last.host.name, 'single');
    expect(await groups()).toContain('1');
    await onCoordinator(formation, async (client) => {
      await client.query('INSERT INTO load_rows SELECT i, i FROM generate_series(1, 64) AS i');
      await client.query('SELECT citus_drain_node($1, $2)', [last.host.address, last.port]);
    });
    const done = await drop(last);
    expect(done.status, done.stderr).toBe(0);
    expect(await groups()).not.toContain('1');
  });

  it('by force, and what is lost with it is told', async () => {
    const last = await worker(3);
    const done = await drop(last, '--force');
    expect(done.status, done.stderr).toBe(0);
    expect(done.stderr).toMatch(/group 3 is gone with \d+ shards; its row stays in pg_dist_node/);
    // What is not there is not held up.
    await onCoordinator(formation, (client) => client.query('DROP TABLE load_rows'));
    await formation.wait('its row to be gone', async () => !(await groups()).includes('3'));
  });
});
