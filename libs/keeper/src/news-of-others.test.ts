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
