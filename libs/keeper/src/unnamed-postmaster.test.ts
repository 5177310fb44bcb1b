import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startPostmaster } from '@pgaf/postgres/postmaster';
import { postgresProcessesOf } from '@pgaf/postgres/processes';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import { Instance } from './instance.js';
import type { NodeConfig } from './node-config.js';
import { atRest, newMonitor, newNode, until } from './testing/test-nodes.js';

/** The stopped Postgres of a node without a keeper, and who would look after it; its last look has just found nothing. */
async function stoppedPostgres() {
  const monitor = newMonitor();
  const node = await newNode(monitor);
  await node.create();
  await atRest(monitor, { 1: 'single' });
  await node.end('handOff');
  const { config } = node;
  const instance = new Instance(config);
  await instance.adopt();
  await instance.stop({ mode: 'fast' });
  onTestFinished(() => stopPostmaster(config.pgdata, { mode: 'immediate' }).then(() => undefined));
  await instance.adopt();
  expect(instance.isRunning()).toBe(false);
  return { monitor, config, instance };
}

function startByHand({ bindir, pgdata, port, listenAddresses, socketDirectory, postmasterLog }: NodeConfig) {
  const options = { bindir, pgdata, port, listenAddresses, socketDirectory, logFile: postmasterLog };
  return startPostmaster({ ...options, stallMs: 10_000 });
}

test('a start that was given up as it began is known at the next look, before postmaster.pid names it', async () => {
  const { config, instance } = await stoppedPostgres();
  const order = new AbortController();
  const start = instance.start(order.signal);
  const givenUp = expect(start).rejects.toThrow();
  const deadline = performance.now() + 10_000;
  while (postgresProcessesOf(config.pgdata).length === 0 && performance.now() < deadline)
    await new Promise((resolve) => setImmediate(resolve));
  order.abort();
  await givenUp;
  await instance.adopt();
  expect(instance.isRunning()).toBe(true);
});

test('a Postgres that somebody starts is known at the next look', async () => {
  const { config, instance } = await stoppedPostgres();
  await startByHand(config);
  await instance.adopt();
  expect(instance.isRunning()).toBe(true);
});

test('one whose postmaster.pid is gone is known a moment later', async () => {
  const { monitor, config, instance } = await stoppedPostgres();
  await startByHand(config);
  await rm(join(config.pgdata, 'postmaster.pid'));
  await until('it is found', monitor, async () => {
    await instance.adopt();
    return instance.isRunning();
  });
});
