import { readFileSync, writeFileSync } from 'node:fs';
import type { Formation } from '@pgaf/testing/formation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { activeWorkers, layOutCitus, onCitusNode, onCoordinator, placeOf } from './citus-formation.js';
import { citusVersion } from './real-citus.js';

const version = await citusVersion();

/** A coordinator and two workers, each alone, without a table, so that Citus lets a person do everything. */
describe.skipIf(version === null)('pg_dist_node that was changed by hand', () => {
  let formation: Formation;
  beforeAll(async () => {
    formation = await layOutCitus(1);
    await formation.startNode(1, 'coordinator');
    for (const number of [2, 3]) await formation.startNode(number, 'worker', ['--group', String(number - 1)]);
    await formation.waitUntilStable();
    await untilWhole();
  });
  afterAll(() => formation?.dispose());

  const byHand = (statement: string, ...values: readonly unknown[]) =>
    onCoordinator(formation, (client) => client.query(statement, [...values]));
  /** Each group at its node, active, and nothing else; Citus has told the workers so, and is in nobody's way. */
  const untilWhole = () =>
    formation.wait('pg_dist_node as the formation is', async () => {
      const { rows } = await byHand(
        'SELECT count(*) FILTER (WHERE metadatasynced)::int AS synced, count(*)::int AS count FROM pg_dist_node',
      );
      const active = await activeWorkers(formation);
      const wanted = [1, 2, 3].map((number) => placeOf(formation.node(number)));
      return (
        rows[0]?.count === 3 &&
        rows[0].synced === 3 &&
        wanted.every((place, group) => active[group] === place)
      );
    });
  const told = (description: string) =>
    formation.wait(`the event "${description}"`, async () => {
      const [row] = await formation.probe.query('SELECT FROM pgautofailover.event WHERE description = $1', [
        description,
      ]);
      return row;
    });

  it('has the row of a group that there is none of removed', async () => {
    await byHand(`SELECT citus_add_inactive_node('127.0.0.1', 1, 9)`);
    await untilWhole();
    await told('127.0.0.1:1 of group 9 was removed from pg_dist_node');
  });

  it('has a row that is missing added', async () => {
    const { host, port } = formation.node(3);
    await byHand('SELECT citus_remove_node($1, $2)', host.address, port);
    await untilWhole();
    await told(`Group 2 was added to pg_dist_node as primary ${placeOf(formation.node(3))}`);
  });

  it('has a row that was switched off activated', async () => {
    // Citus lets nobody switch the first worker off, in the order of hosts and ports.
    const [group, { host, port }] =
      formation.node(2).port > formation.node(3).port ? [1, formation.node(2)] : [2, formation.node(3)];
    await byHand('SELECT citus_disable_node($1, $2)', host.address, port);
    await untilWhole();
    await told(`Group ${group} was activated in pg_dist_node at ${placeOf(formation.node(group + 1))}`);
  });

  it('has a place that was changed put right', async () => {
    await byHand(`SELECT citus_update_node(nodeid, 'nowhere', 1) FROM pg_dist_node WHERE groupid = 2`);
    await untilWhole();
    const place = placeOf(formation.node(3));
    await told(`Group 2 is at ${place} in pg_dist_node now, and was at nowhere:1`);
    expect(Object.keys(await activeWorkers(formation))).toEqual(['0', '1', '2']);
  });
  it('follows a host that moved, and what the file of a node says of its pooler', async () => {
    const { host, port } = formation.node(3);
    const pgdata = ['--pgdata', host.pgdata];
    const moved = await host.run(['set', 'node', 'metadata', ...pgdata, '--hostname', 'localhost']);
    expect(moved.status, moved.stderr).toBe(0);
    await told(
      `Group 2 is at localhost:${port} in pg_dist_node now, and was at ${placeOf(formation.node(3))}`,
    );
    expect((await activeWorkers(formation))[2]).toBe(`localhost:${port}`);
    await formation.wait('the node to call itself so', async () => {
      const { rows } = await onCitusNode(formation.node(3), (client) =>
        client.query(`SELECT current_setting('citus.local_hostname') AS host`),
      );
      return rows[0]?.host === 'localhost';
    });
    const file = (await host.run(['show', 'file', '--config', ...pgdata])).stdout.trim();
    const inSection = /^(\[postgresql\]\n(?:[^[]*\n)?proxyport = )0$/m;
    writeFileSync(file, readFileSync(file, 'utf8').replace(inSection, `$1${port}`));
    const done = await host.run(['reload', ...pgdata]);
    expect(done.status, done.stderr).toBe(0);
    await formation.wait('its pooler', async () => {
      const { rows } = await byHand('SELECT poolinfo FROM pg_dist_poolinfo');
      return rows.map(({ poolinfo }) => String(poolinfo)).join() === `host=localhost port=${port}`;
    });
  });
});
