import { expect, test } from 'vitest';
import { retry } from '@pgaf/core/result';
import { baseEdgeTable, edgeKey, type EdgeTable } from '@pgaf/fsm/edge-table';
import type { Step } from '@pgaf/plugin-api';
import type { RuleMonitor } from './testing/rule-monitor.js';
import { atRest, newMonitor, newNode, until, type TestNode } from './testing/test-nodes.js';

type Change = (steps: readonly Step[], key: string) => readonly Step[];

function changedTable(change: Change): EdgeTable {
  return new Map(
    [...baseEdgeTable()].map(([key, edge]) => [key, { ...edge, steps: change(edge.steps, key) }]),
  );
}

/** Two nodes come up, the first one hands over, and becomes a standby: every edge of the two-node story. */
async function story(monitor: RuleMonitor, prepare: (node: TestNode) => void): Promise<void> {
  const first = await newNode(monitor);
  prepare(first);
  await first.create();
  await atRest(monitor, { 1: 'single' });
  await until('there is a table', monitor, async () =>
    first.sql.query('CREATE TABLE t AS SELECT generate_series(1, 75) AS i').then(
      () => true,
      () => false,
    ),
  );
  const second = await newNode(monitor);
  prepare(second);
  await second.create();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' }, 40_000);
  await until('both can be switched', monitor, () => monitor.tryCommand({ kind: 'perform_failover' }));
  await atRest(monitor, { 1: 'secondary', 2: 'primary' }, 40_000);
  for (const node of [first, second]) {
    const rows = await node.sql.query<{ n: number }>('SELECT count(*)::int AS n FROM t');
    expect(rows).toEqual([{ n: 75 }]);
  }
  expect(monitor.group.epoch).toBe(2);
}

test(
  'a keeper that is cut off after each step of each edge ends in the same place',
  { timeout: 120_000 },
  async () => {
    const monitor = newMonitor();
    const cuts = new Set<string>();
    const points = (steps: readonly Step[], key: string): Step[] =>
      steps.flatMap((step, at): Step[] => [step, { do: 'plugin', kind: 'test', step: `${key}#${at}` }]);
    const table = changedTable(points);
    await story(monitor, (node) => {
      node.edges = table;
      node.part = {
        steps: Object.fromEntries(
          [...table.values()]
            .flatMap((edge) => edge.steps)
            .flatMap((step) => (step.do === 'plugin' ? [step.step] : []))
            .map((name) => [
              name,
              async () => {
                const point = `${node.id} ${name}`;
                if (cuts.has(point)) return { tag: 'done' as const };
                cuts.add(point);
                setImmediate(() => void node.end('handOff').then(() => node.run()));
                return retry('cut off');
              },
            ]),
        ),
      };
    });
    for (const [from, to] of [
      ['init', 'single'],
      ['wait_standby', 'catchingup'],
      ['primary', 'draining'],
      ['secondary', 'wait_primary'],
      ['demoted', 'catchingup'],
    ] as const) {
      expect([...cuts].filter((cut) => cut.includes(edgeKey(from, to))).length).toBeGreaterThan(0);
    }
  },
);

test('each step may run twice', { timeout: 120_000 }, async () => {
  const table = changedTable((steps) => [...steps, ...steps].flatMap((step) => [step, step]));
  await story(newMonitor(), (node) => {
    node.edges = table;
  });
});
