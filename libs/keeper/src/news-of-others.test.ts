import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { done } from '@pgaf/core/result';
import { DEFAULT_PACE } from './node-config.js';
import { atRest, twoNodes, until } from './testing/test-nodes.js';

/** No run is due by the clock alone. */
const NEVER = 1e9;
const CHANGES = 50;

test('what happens in other groups concerns the plugin, and costs no heartbeat', async () => {
  const { monitor, first } = await twoNodes();
  let [looks, announced, seen] = [0, 0, 0];
  await first.end('handOff');
  first.pace = { ...DEFAULT_PACE, reconcile: NEVER };
  first.part = {
    reconcile: async () => {
      const lastAnnounced = announced;
      looks++;
      await pause(20);
      seen = lastAnnounced;
      return done;
    },
  };
  first.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  await until('the plugin has looked', monitor, () => looks > 0);

  const reportsBefore = monitor.reports.get(1) ?? 0;
  const begun = performance.now();
  for (let i = 0; i < CHANGES; i++) {
    announced++;
    monitor.announceElsewhere({ nodeId: 9, reported: 'primary', goal: 'primary', health: 'good' });
    await pause(10);
  }
  await until('the plugin has looked after the last one', monitor, () => seen === CHANGES);
  const calmPasses = Math.ceil((performance.now() - begun) / DEFAULT_PACE.calm);
  expect((monitor.reports.get(1) ?? 0) - reportsBefore).toBeLessThanOrEqual(calmPasses + 2);
});

test('a leader’s plugin looks at once, and that of a node that follows later and once for what has changed by then', async () => {
  const { monitor, first, second } = await twoNodes();
  const looks: number[] = [];
  for (const node of [first, second]) {
    await node.end('handOff');
    node.pace = { ...DEFAULT_PACE, reconcile: NEVER };
    node.part = {
      reconcile: async () => {
        looks.push(node.id);
        return done;
      },
    };
    node.run();
  }
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  await until('both have looked', monitor, () => looks.includes(1) && looks.includes(2));
  const twoPasses = async () => {
    const before = monitor.reports.get(2) ?? 0;
    await until('node 2 looks around', monitor, () => (monitor.reports.get(2) ?? 0) > before + 1);
  };
  await twoPasses();
  looks.length = 0;
  for (let i = 0; i < 5; i++) {
    monitor.announceElsewhere({ nodeId: 9, reported: 'primary', goal: 'primary', health: 'good' });
    await pause(10);
  }
  await until('both have looked again', monitor, () => looks.includes(2));
  expect(looks[0]).toBe(1);
  await twoPasses();
  expect(looks.filter((id) => id === 2)).toHaveLength(1);
});
