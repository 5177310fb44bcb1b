import { afterEach, expect, test } from 'vitest';
import { TestMonitor, until } from './testing/test-monitor.js';

let monitor: TestMonitor;
afterEach(() => monitor?.destroy());

test('a service that opens one term after another, and never decides, waits longer each time', async () => {
  monitor = await TestMonitor.create();
  const root = await monitor.connectAsSuperuser();
  await root.query('BEGIN');
  await root.query('LOCK pgautofailover.node IN ACCESS EXCLUSIVE MODE');
  const service = monitor.startService();
  const pauses = () =>
    service.log.at('warn').flatMap((line) => /tries again in (.*)\.$/.exec(line)?.[1] ?? []);
  await until('the third try', () => pauses().length >= 3, 20_000);
  expect(pauses().slice(0, 3)).toEqual(['50 ms', '100 ms', '200 ms']);
  await root.query('COMMIT');
  const { rows } = await root.query<{ term: number }>('SELECT term::int FROM pgautofailover.service');
  expect(rows[0]?.term).toBeGreaterThanOrEqual(3);
});
