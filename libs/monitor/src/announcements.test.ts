import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Announcer } from './announcer.js';
import { TestMonitor, until } from './testing/test-monitor.js';

let monitor: TestMonitor;
let root: pg.Client;
let announcer: Announcer;
let heard: string[];
const failures: unknown[] = [];

beforeAll(async () => {
  monitor = await TestMonitor.create();
  root = await monitor.connectAsSuperuser();
  const listener = await monitor.connect();
  listener.on('notification', ({ payload = '' }) => heard.push(payload));
  await listener.query('LISTEN state');
  announcer = new Announcer(
    root,
    (error) => failures.push(error),
    () => undefined,
  );
});
afterAll(() => monitor?.destroy());
beforeEach(() => void (heard = []));

const write = (payload: string, age = '0') =>
  root.query(
    `INSERT INTO pgautofailover_private.announcement (channel, payload, written_at)
     VALUES ('state', $1, clock_timestamp() - $2::interval)`,
    [payload, age],
  );

test('whoever listens hears last what was said last, also when it was said before', async () => {
  for (const payload of ['a', 'b', 'a', 'c', 'b']) await write(payload);
  announcer.announce();
  await until('the last one', () => heard.includes('b'));
  expect([heard, failures]).toEqual([['a', 'c', 'b'], []]);
});

test('what was written down long ago is not announced any more', async () => {
  await write('old', '2 minutes');
  await write('new');
  announcer.announce();
  await until('the new one', () => heard.includes('new'));
  expect([heard, failures]).toEqual([['new'], []]);
  const left = await root.query('SELECT FROM pgautofailover_private.announcement');
  expect(left.rowCount).toBe(0);
});
