import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { NodeSnapshot } from '@pgaf/plugin-api/snapshot';
import { HealthChecker } from './health-checker.js';
import { DEFAULT_SETTINGS } from './monitor-settings.js';
import { until } from './testing/test-monitor.js';

const servers: Server[] = [];
let checker: HealthChecker | undefined;

afterEach(async () => {
  checker?.stop();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** A node that hangs up on everybody: what counts is how often somebody came. */
async function visited(id: number): Promise<{ node: NodeSnapshot; visits: () => number }> {
  let visits = 0;
  const server = createServer((socket) => {
    visits++;
    socket.on('error', () => undefined).destroy();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const node: NodeSnapshot = {
    id,
    name: `node_${id}`,
    host: '127.0.0.1',
    port: typeof address === 'object' && address ? address.port : 0,
    role: 'node',
    cluster: 'default',
    reported: 'secondary',
    goal: 'secondary',
    candidatePriority: 50,
    quorum: true,
    paused: false,
    changedAt: 0,
    report: { at: 0, postgresRunning: true, tli: 1, lsn: 1n, facts: {} },
    seen: { health: 'bad', healthSince: 0, refused: false, session: 'open' },
  };
  return { node, visits: () => visits };
}

function checkEvery(healthCheckPeriod: number): HealthChecker {
  checker = new HealthChecker(
    { ...DEFAULT_SETTINGS, healthCheckPeriod },
    () => undefined,
    () => undefined,
  );
  return checker;
}

test('who rests is checked in each third period', async () => {
  const one = checkEvery(200);
  const [often, seldom] = [await visited(1), await visited(2)];
  one.watch([often.node], 'often');
  one.watch([seldom.node], 'seldom');
  await until('a node is checked often', () => often.visits() >= 16);
  expect(seldom.visits()).toBeGreaterThanOrEqual(4);
  expect(seldom.visits()).toBeLessThanOrEqual(7);
});

test('who rests no more is checked at once', async () => {
  const one = checkEvery(60_000);
  // Of those that are left out first.
  const { node, visits } = await visited(10);
  one.watch([node], 'seldom');
  await until('the first check', () => visits() === 1);
  one.watch([node], 'often');
  await until('the next one', () => visits() === 2);
});

test('who is only glanced at is not forgotten, and who is not shown is', async () => {
  const one = checkEvery(200);
  const [glanced, gone] = [await visited(1), await visited(2)];
  one.watch([glanced.node, gone.node], 'often');
  await until('both are checked', () => glanced.visits() > 0 && gone.visits() > 0);
  one.endRound();
  one.confirm([1]);
  one.endRound();
  const before = { glanced: glanced.visits(), gone: gone.visits() };
  await until('it is checked again', () => glanced.visits() > before.glanced + 3);
  expect(gone.visits()).toBeLessThanOrEqual(before.gone + 1);
});
