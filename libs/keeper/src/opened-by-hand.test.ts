import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withGoal } from '@pgaf/fsm/group';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import { expect, test } from 'vitest';
import { isCutOff } from './testing/is-cut-off.js';
import {
  atRest,
  killPostmaster,
  startByHand,
  threeNodes,
  twoNodes,
  until,
  type TestNode,
} from './testing/test-nodes.js';
import type { RuleMonitor } from './testing/rule-monitor.js';

async function isStandbyWithout(node: TestNode, table: string): Promise<boolean> {
  const [row] = await node.sql
    .query<{ good: boolean }>(`SELECT pg_is_in_recovery() AND to_regclass('${table}') IS NULL AS good`)
    .catch(() => []);
  return row?.good === true;
}

/** What the primary writes from now on arrives. */
async function follows(monitor: RuleMonitor, first: TestNode, second: TestNode): Promise<void> {
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  await first.sql.query('CREATE TABLE later AS SELECT 1 AS i');
  await until('the row', monitor, () => second.sql.query('TABLE later').then(Boolean, () => false));
}

test('a standby that is promoted by hand is found, and what was written there is taken back', async () => {
  const { monitor, first, second } = await twoNodes();
  const isSeen = (): boolean => second.lines.join('').includes('Somebody opened this standby for writes');
  // Its keeper may stop it before Postgres would answer that it is promoted, or take a table.
  await second.sql.query('SELECT pg_promote(wait => false)');
  await until('it is written to, or seen before', monitor, () =>
    second.sql.query('CREATE TABLE stray AS SELECT 1 AS i').then(() => true, isSeen),
  );
  await until('its keeper has seen it', monitor, isSeen);
  await until('the standby follows again', monitor, () => isStandbyWithout(second, 'stray'));
  await follows(monitor, first, second);
  expect(monitor.group.epoch).toBe(1);
  await until('the timeline of the group is reported', monitor, () => monitor.node(2).report.tli === 1);
  await until('it may promise again', monitor, () => monitor.node(2).report.facts.strayed === undefined);
});

/** While the first node is lost for good, as far as anybody can tell. */
async function loseFirst(monitor: RuleMonitor, first: TestNode): Promise<void> {
  // Nothing is decided but what the test orders.
  monitor.seesNothing = true;
  await first.end('handOff');
  await stopPostmaster(first.config.pgdata, { mode: 'immediate' });
}

/** Without the standbys that its setting names: none of them follows a node that was not chosen. */
async function writeByHand(node: TestNode, statement: string): Promise<void> {
  await node.sql.query(`BEGIN; SET LOCAL synchronous_commit = local; ${statement}; COMMIT`);
}

async function promisesNothing(monitor: RuleMonitor, second: TestNode): Promise<void> {
  monitor.order((group) => withGoal(group, 2, 'prepare_promotion'));
  await until('node 2 did as it was told', monitor, () => monitor.node(2).reported === 'prepare_promotion');
  await until('it is in recovery, and nothing more is to come', monitor, () => isCutOff(second));
  const told = monitor.reports.get(2) ?? 0;
  await until('some reports since', monitor, () => (monitor.reports.get(2) ?? 0) > told + 5);
  const { promise, strayed } = monitor.node(2).report.facts;
  expect({ promise, strayed }).toEqual({ promise: undefined, strayed: true });
}

test('who was promoted by hand promises nothing, also when it is in recovery again', async () => {
  const { monitor, first, second } = await twoNodes();
  await loseFirst(monitor, first);
  await second.sql.query('SELECT pg_promote()');
  await until('the keeper has seen it', monitor, () => monitor.node(2).report.facts.strayed === true);
  await killPostmaster(second);
  await promisesNothing(monitor, second);
});

test('who was opened and stopped again while nobody looked promises nothing', async () => {
  const { monitor, first, second } = await twoNodes();
  await loseFirst(monitor, first);
  await second.end('handOff');
  await second.sql.query('SELECT pg_promote()');
  await stopPostmaster(second.config.pgdata, { mode: 'fast' });
  second.run();
  await promisesNothing(monitor, second);
});

test('what was opened and stopped again while nobody looked is taken back', async () => {
  const { monitor, first, second } = await twoNodes();
  await second.end('handOff');
  await second.sql.query('SELECT pg_promote()');
  await second.sql.query('CREATE TABLE stray AS SELECT 1 AS i').catch(() => undefined);
  await stopPostmaster(second.config.pgdata, { mode: 'fast' });
  second.run();
  await until('the standby follows again', monitor, () => isStandbyWithout(second, 'stray'));
  await follows(monitor, first, second);
  expect(monitor.node(2).report.facts.strayed).toBeUndefined();
});

test('who was promoted in its maintenance promises nothing, and is copied when that is over', async () => {
  const { monitor, first, second } = await twoNodes();
  monitor.command({ kind: 'start_maintenance', node: 2 });
  await atRest(monitor, { 1: 'wait_primary', 2: 'maintenance' });
  await second.sql.query('SELECT pg_promote()');
  await until('the keeper has seen it', monitor, () => monitor.node(2).report.facts.strayed === true);
  await second.sql.query('CREATE TABLE stray AS SELECT 1 AS i').catch(() => undefined);
  monitor.command({ kind: 'stop_maintenance', node: 2 });
  await until('the standby follows again', monitor, () => isStandbyWithout(second, 'stray'));
  await follows(monitor, first, second);
  expect(monitor.node(2).report.facts.strayed).toBeUndefined();
});

test('a standby that was written to on its own timeline is found, and copied', async () => {
  const { monitor, first, second } = await twoNodes();
  await second.end('handOff');
  await stopPostmaster(second.config.pgdata, { mode: 'fast' });
  await rm(join(second.config.pgdata, 'standby.signal'));
  await startByHand(second);
  // No standby is there to acknowledge it.
  await second.sql.query('SET synchronous_commit = local');
  await second.sql.query('CREATE TABLE stray AS SELECT 1 AS i');
  second.run();
  await until('the standby follows again', monitor, () => isStandbyWithout(second, 'stray'));
  await follows(monitor, first, second);
});

test('who was promoted by hand after its promise has promised no more, and follows only once that is taken back', async () => {
  const { monitor, nodes } = await threeNodes(50, 50, 90);
  const [first, second, third] = nodes;
  await loseFirst(monitor, first);
  for (const id of [2, 3]) monitor.order((group) => withGoal(group, id, 'report_lsn'));
  const promiseOf = (id: number) => monitor.node(id).report.facts.promise;
  await until('both promise', monitor, () => [2, 3].every((id) => promiseOf(id)?.epoch === 2));
  const before = promiseOf(2);
  // By the positions alone nobody could tell one from the other's.
  expect(before).toEqual(promiseOf(3));
  await second.sql.query('SELECT pg_promote()');
  await writeByHand(second, 'CREATE TABLE stray AS SELECT generate_series(1, 50000) AS i');
  await killPostmaster(second);
  await until('it is in recovery again, with what was written', monitor, async () => {
    const [row] = await second.sql
      .query<{ there: boolean }>(`SELECT pg_is_in_recovery() AND to_regclass('stray') IS NOT NULL AS there`)
      .catch(() => []);
    return row?.there === true;
  });
  const told = monitor.reports.get(2) ?? 0;
  await until('some reports since', monitor, () => (monitor.reports.get(2) ?? 0) > told + 5);
  expect(promiseOf(2)).toEqual(before);
  expect(monitor.node(2).report.facts.strayed).toBe(true);

  monitor.seesNothing = false;
  await atRest(monitor, { 2: 'secondary', 3: 'primary' });
  expect(await isStandbyWithout(second, 'stray')).toBe(true);
  await third.sql.query('CREATE TABLE later AS SELECT 1 AS i');
  await until('the row', monitor, () => second.sql.query('TABLE later').then(Boolean, () => false));
  expect(monitor.node(2).report.facts.strayed).toBeUndefined();
  expect(second.lines.join('')).toContain('Copying node 3');
});

test('who was promoted by hand after its promise and is chosen leads with what was written there', async () => {
  const { monitor, nodes } = await threeNodes(50, 90, 50);
  const [first, second, third] = nodes;
  await loseFirst(monitor, first);
  for (const id of [2, 3]) monitor.order((group) => withGoal(group, id, 'report_lsn'));
  await until('both promise', monitor, () =>
    [2, 3].every((id) => monitor.node(id).report.facts.promise?.epoch === 2),
  );
  await second.sql.query('SELECT pg_promote()');
  await writeByHand(second, 'CREATE TABLE stray AS SELECT 1 AS i');
  await until('the keeper has seen it', monitor, () => monitor.node(2).report.facts.strayed === true);
  const { promise } = monitor.node(2).report.facts;
  monitor.seesNothing = false;
  await atRest(monitor, { 2: 'primary', 3: 'secondary' });
  expect(monitor.node(2).report.facts.promoted).toMatchObject({ epoch: 2, switchpoint: promise?.lsn });
  expect(monitor.node(2).report.facts.strayed).toBeUndefined();
  first.run();
  await atRest(monitor, { 1: 'secondary', 2: 'primary', 3: 'secondary' });
  await second.sql.query('CREATE TABLE later AS SELECT 1 AS i');
  for (const { sql } of [first, third]) {
    await until('the row', monitor, () => sql.query('TABLE later').then(Boolean, () => false));
    expect(await sql.query('TABLE stray')).toEqual([{ i: 1 }]);
  }
});
