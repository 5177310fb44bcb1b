import { expect, test } from 'vitest';
import { atRest, twoNodes } from './testing/test-nodes.js';

test('the target of a switchover says what it has when its primary has ended the stream, and need not promise first', async () => {
  const { monitor } = await twoNodes();
  monitor.command({ kind: 'perform_failover' });
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  expect(monitor.events).toContain('2 -> wait_primary by handover.order');
  expect(monitor.events.filter((event) => event.includes('prepare_promotion'))).toEqual([]);
});
