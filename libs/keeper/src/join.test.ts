import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { initialise } from './join.js';
import { newMonitor, newNode } from './testing/test-nodes.js';

test('a node whose Postgres cannot start is not tried to be created for ever, and is created once it can', async () => {
  const monitor = newMonitor();
  const node = await newNode(monitor);
  await node.register();
  // It takes in what clients say, so that it sees them leave.
  const squatter = createServer((client) => client.resume());
  await new Promise<void>((resolve) => squatter.listen(node.config.port, '127.0.0.1', resolve));

  await expect(initialise(node.newKeeper())).rejects.toMatchObject({
    code: 'postgres-start-failed',
    exit: 5,
    hint: expect.stringContaining('run the same command again') as string,
  });
  await new Promise((resolve) => squatter.close(resolve));
  expect((await initialise(node.newKeeper())).current).toBe('single');
});

test('a node that was registered and never heard of it is the same one at another place', async () => {
  const monitor = newMonitor();
  const node = await newNode(monitor);
  await node.register();
  // As when the first call was killed before it wrote down the answer.
  rmSync(node.config.statePath);
  const moved = await newNode(monitor);
  await moved.register(50, node.config);
  expect(moved.id).toBe(1);
  expect(monitor.group.nodes).toMatchObject([{ id: 1, port: moved.config.port }]);
});
