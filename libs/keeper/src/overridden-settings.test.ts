import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RuleMonitor } from './testing/rule-monitor.js';
import { atRest, killNode, twoNodes, until } from './testing/test-nodes.js';

/** Whatever was acknowledged, a standby has it. */
function isInForce(monitor: RuleMonitor): boolean {
  return monitor.group.settingsInForce.every(({ required }) => required > 0);
}

test('synchronous_standby_names by ALTER SYSTEM is told, and no failover trusts what was acknowledged under it', async () => {
  const { monitor, first } = await twoNodes();
  const warnings = (): readonly string[] => monitor.node(1).report.facts.warnings ?? [];
  await until('nothing is wrong', monitor, () => monitor.node(1).report.facts.warnings?.length === 0);
  await first.sql.query(`ALTER SYSTEM SET synchronous_standby_names = ''`);
  await first.sql.query('SELECT pg_reload_conf()');
  await until('the override is told', monitor, () => warnings().length === 1);
  expect(warnings()[0]).toMatch(
    /^synchronous_standby_names is '' by .*postgresql\.auto\.conf:3, and pgaf needs 'ANY 1 \(pgautofailover_standby_2\)': run ALTER SYSTEM RESET/,
  );
  expect(first.lines.filter((line) => line.includes('postgresql.auto.conf:3, and pgaf needs'))).toHaveLength(
    1,
  );
  await until('the setting counts as not in force', monitor, () => !isInForce(monitor));
  expect(monitor.node(1).report.facts.confirmedSetting).toBeUndefined();
  await first.sql.query('CREATE TABLE t AS SELECT 1 AS i');

  // What is mended is confirmed again by itself.
  await first.sql.query('ALTER SYSTEM RESET synchronous_standby_names');
  await until('the setting is confirmed again', monitor, () => isInForce(monitor));
  await until('the warning is over', monitor, () => warnings().length === 0);

  await first.sql.query(`ALTER SYSTEM SET synchronous_standby_names = ''`);
  await first.sql.query('SELECT pg_reload_conf()');
  await until('it counts as not in force again', monitor, () => !isInForce(monitor));
  await first.sql.query('INSERT INTO t VALUES (2)');
  await killNode(first);
  await until('node 1 is proved down', monitor, () => {
    const { seen } = monitor.node(1);
    const upstream = monitor.node(2).report.facts.upstream;
    return seen.refused && seen.session === 'closed' && upstream?.closed === true && upstream.refused;
  });
  const reports = monitor.reports.get(2) ?? 0;
  await until('node 2 has reported since', monitor, () => (monitor.reports.get(2) ?? 0) > reports + 2);
  expect(monitor.node(2).goal).toBe('secondary');
  expect(monitor.group.epoch).toBe(1);
  first.run();
  await until('node 1 is back', monitor, async () => {
    const rows = await first.sql.query('SELECT FROM t').catch(() => []);
    return rows.length === 2;
  });
  await first.sql.query('ALTER SYSTEM RESET ALL');
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  await until('all is well', monitor, () => isInForce(monitor));
});

test('a line that came after ours in postgresql.conf is told, and loses', async () => {
  const { monitor, first } = await twoNodes();
  const conf = join(first.config.pgdata, 'postgresql.conf');
  await appendFile(conf, `synchronous_standby_names = ''\n`);
  await first.sql.query('SELECT pg_reload_conf()');
  await until('our lines come last again', monitor, async () =>
    /END pgaf\s*$/.test(await readFile(conf, 'utf8')),
  );
  await until('the setting is in force again', monitor, async () => {
    const [row] = await first.sql.query<{ names: string }>(
      `SELECT current_setting('synchronous_standby_names') AS names`,
    );
    return row?.names !== '' && isInForce(monitor);
  });
  expect(first.lines.some((line) => line.includes(`synchronous_standby_names is '' by ${conf}:`))).toBe(true);
});
