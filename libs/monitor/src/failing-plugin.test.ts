import { guardPlugin } from '@pgaf/plugin-host/guarded-plugin';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FakeKeeper } from './testing/fake-keeper.js';
import { kinds, TestMonitor } from './testing/test-monitor.js';

let monitor: TestMonitor;

beforeAll(async () => {
  monitor = await TestMonitor.create();
});

afterAll(async () => {
  await monitor?.destroy();
});

test('a plugin that throws has its command refused in its name, and the service decides on', async () => {
  const throws = () => {
    throw new TypeError('no such thing');
  };
  const plain = kinds.plugin('pgsql');
  monitor.kinds = {
    ...kinds,
    plugin: () => guardPlugin({ ...plain, validateRemoval: throws, removalLoss: throws }),
  };
  const service = await monitor.serve();
  const one = await FakeKeeper.register(monitor, { name: 'one' });
  const client = await monitor.connect();
  const remove = () => client.query('SELECT pgautofailover.remove_node($1::bigint)', [one.id]);
  await expect(remove()).rejects.toMatchObject({
    code: 'XX000',
    message: expect.stringMatching(/^plain, the plugin .* fails in validateRemoval: no such thing/),
    hint: expect.stringContaining('bug of that plugin'),
  });

  // By force it goes all the same.
  const two = await FakeKeeper.register(monitor, { name: 'two' });
  await client.query('SELECT pgautofailover.remove_node($1::bigint, true)', [two.id]);
  const { rows: answered } = await client.query<{ answer: unknown }>(
    'SELECT answer FROM pgautofailover.command ORDER BY commandid DESC LIMIT 1',
  );
  expect(answered[0]?.answer).toMatchObject({
    notice: expect.stringMatching(/^plain, the plugin .* fails in removalLoss: no such thing/),
  });

  // One that no check of the host has gone over.
  monitor.kinds = { ...kinds, plugin: () => ({ ...plain, validateRemoval: throws }) };
  await service.stop();
  const second = await monitor.serve();
  await expect(remove()).rejects.toMatchObject({
    code: 'XX000',
    message: 'the command fails: no such thing',
    hint: expect.stringContaining('report this'),
  });
  await expect(remove()).rejects.toMatchObject({ code: 'XX000' });
  const { rows } = await client.query('SELECT count(*)::int AS nodes FROM pgautofailover.node');
  expect(rows).toEqual([{ nodes: 1 }]);
  expect(second.log.at('info').filter((line) => line.includes('decides, in term'))).toHaveLength(1);
  await second.stop();
});
