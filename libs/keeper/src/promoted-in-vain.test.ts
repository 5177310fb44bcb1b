import { done } from '@pgaf/core/result';
import { expect, test } from 'vitest';
import { edgeKey } from '@pgaf/fsm/edge-table';
import { withGoal } from '@pgaf/fsm/group';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import { promoteInVain } from './testing/cut-off-promotion.js';
import type { RuleMonitor } from './testing/rule-monitor.js';
import { isCutOff } from './testing/is-cut-off.js';
import { atRest, threeNodes, twoNodes, until, type TestNode } from './testing/test-nodes.js';

/** Nothing is decided any more but what the test orders. */
async function loseFirst(monitor: RuleMonitor, first: TestNode): Promise<void> {
  monitor.seesNothing = true;
  await first.end('handOff');
  await stopPostmaster(first.config.pgdata, { mode: 'immediate' });
}

async function inRecovery({ sql }: TestNode): Promise<boolean | null> {
  const [row] = await sql.query<{ is: boolean }>('SELECT pg_is_in_recovery() AS is').catch(() => []);
  return row?.is ?? null;
}

test.each(['signal', 'record'] as const)(
  'who was promoted by hand as far as the %s, and killed, promises nothing',
  async (reached) => {
    const { monitor, first, second } = await twoNodes();
    await loseFirst(monitor, first);
    await second.end('handOff');
    await promoteInVain(second, monitor, reached);
    monitor.order((group) => withGoal(group, 2, 'prepare_promotion'));
    second.run();
    await until('node 2 did as it was told', monitor, () => monitor.node(2).reported === 'prepare_promotion');
    await until('it is in recovery, and nothing more is to come', monitor, () => isCutOff(second));
    const told = monitor.reports.get(2) ?? 0;
    await until('some reports since', monitor, () => (monitor.reports.get(2) ?? 0) > told + 5);
    const { promise, strayed } = monitor.node(2).report.facts;
    expect({ promise, strayed }).toEqual({ promise: undefined, strayed: true });
  },
);

test.each(['signal', 'record'] as const)(
  'what was promoted by hand as far as the %s, and killed, is taken back',
  async (reached) => {
    const { monitor, first, second } = await twoNodes();
    await second.end('handOff');
    await promoteInVain(second, monitor, reached);
    second.run();
    await until('it is known', monitor, () =>
      second.lines.join('').includes('Somebody opened this standby for writes'),
    );
    await atRest(monitor, { 1: 'primary', 2: 'secondary' });
    await first.sql.query('CREATE TABLE later AS SELECT 1 AS i');
    await until('the row', monitor, () => second.sql.query('TABLE later').then(Boolean, () => false));
    expect(monitor.group.epoch).toBe(1);
    await until('it may promise again', monitor, () => monitor.node(2).report.facts.strayed === undefined);
  },
);

test('who was promoted by hand after its promise, and killed, stays in recovery when it is to receive from another', async () => {
  const { monitor, nodes } = await threeNodes(50, 90, 50);
  const [first, second] = nodes;
  await loseFirst(monitor, first);
  for (const id of [2, 3]) monitor.order((group) => withGoal(group, id, 'report_lsn'));
  await until('both promise', monitor, () =>
    [2, 3].every((id) => monitor.node(id).report.facts.promise?.epoch === 2),
  );
  await second.end('handOff');
  const key = edgeKey('report_lsn', 'prepare_promotion');
  second.edges = new Map(second.edges).set(key, {
    ...second.edges.get(key)!,
    steps: [{ do: 'plugin', kind: 'pgsql', step: 'cutOff' }, { do: 'fastForward' }],
  });
  let isCut = false;
  second.part = {
    steps: {
      cutOff: async () => {
        if (!isCut) await promoteInVain(second, monitor, 'signal');
        isCut = true;
        return done;
      },
    },
  };
  second.run();
  // The rules would send only one that lacks something.
  monitor.order((group) => withGoal({ ...group, walSource: 3 }, 2, 'prepare_promotion'));
  await until('it is to receive', monitor, () => second.lines.join('').includes('Step fastForward begins'));
  await until('Postgres answers', monitor, async () => (await inRecovery(second)) !== null);
  expect(await inRecovery(second)).toBe(true);
  await until('it is known', monitor, () => monitor.node(2).report.facts.strayed === true);
});
