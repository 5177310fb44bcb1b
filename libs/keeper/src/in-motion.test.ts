import { expect, test } from 'vitest';
import { done, retry } from '@pgaf/core/result';
import type { KeeperPart } from '@pgaf/plugin-api/keeper-part';
import { DEFAULT_PACE, type Pace } from './node-config.js';
import { atRest, twoNodes, until } from './testing/test-nodes.js';

/** Not within any test. */
const NEVER = 1e9;

/** Two nodes at rest of whose group the monitor says that it is in motion, and whose keepers begin anew at this pace. */
async function nodesInMotion(pace: Partial<Pace>, reconcile: KeeperPart['reconcile'] = async () => done) {
  const { monitor, first, second } = await twoNodes();
  monitor.saysInMotion = true;
  second.part = { reconcile };
  for (const node of [first, second]) {
    await node.end('handOff');
    node.pace = { ...DEFAULT_PACE, ...pace };
    node.run();
  }
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  /** Waits for so many reports of a node. @returns how many each one has sent since */
  const reportsUntil = async (id: number, more: number): Promise<(one: number) => number> => {
    const before = new Map(monitor.reports);
    const since = (one: number) => (monitor.reports.get(one) ?? 0) - (before.get(one) ?? 0);
    await until(`${more} reports of node ${id}`, monitor, () => since(id) >= more);
    return since;
  };
  return { monitor, reportsUntil };
}

test('a keeper goes on to report while the monitor says that its group is in motion', async () => {
  const { reportsUntil } = await nodesInMotion({ calm: NEVER, busy: NEVER });
  for (const id of [1, 2]) await reportsUntil(id, 20);
});

test('a keeper whose reports are not answered does not go on to report often', async () => {
  const { monitor, reportsUntil } = await nodesInMotion({ busy: 500, calm: 500 });
  await reportsUntil(2, 5);
  monitor.unreachable.add(2);
  await reportsUntil(2, 2);
  const since = await reportsUntil(1, 50);
  expect(since(2)).toBeLessThan(25);
});

test('what a plugin could not do is not tried again with each report of a group in motion', async () => {
  let calls = 0;
  const { monitor, reportsUntil } = await nodesInMotion({ busy: 1000 }, async () => {
    calls++;
    return retry('not yet');
  });
  await reportsUntil(2, 5);
  const before = calls;
  const since = await reportsUntil(2, 20);
  await until('it is tried again', monitor, () => calls > before + 1);
  expect(since(2)).toBeGreaterThan(4 * (calls - before));
});
