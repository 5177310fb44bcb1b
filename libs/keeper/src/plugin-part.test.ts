import { expect, test } from 'vitest';
import { createLogger } from '@pgaf/logging/logger';
import type { KeeperPart } from '@pgaf/plugin-api/keeper-part';
import { PluginPart } from './plugin-part.js';
import { Situation } from './situation.js';
import { readStateFile } from './state-file.js';
import { newMonitor, newNode } from './testing/test-nodes.js';

/** The part of a node whose monitor has stopped answering. */
async function partWithoutMonitor(part: KeeperPart): Promise<PluginPart> {
  const node = await newNode(newMonitor());
  await node.register();
  const state = readStateFile(node.config.statePath);
  if (!state) throw new Error('no state file');
  const monitor = node.monitor.link();
  monitor.formationView = () => new Promise(() => undefined);
  const log = createLogger({ level: 'error', format: 'json', destination: { write: () => undefined } });
  const situation = new Situation({ config: node.config, state, monitor, log });
  return new PluginPart(
    situation,
    part,
    () => undefined,
    () => undefined,
  );
}

const done = { tag: 'done' } as const;

test('a local step is done while the monitor does not answer', async () => {
  const part = await partWithoutMonitor({
    localSteps: {
      hold: ({ handover }) => Promise.resolve(handover.isSucceeded ? { tag: 'retry', reason: '' } : done),
    },
  });
  expect(await part.runStep('pgsql', 'hold', new AbortController().signal)).toEqual(done);
});

test('a step that waits for the monitor ends when the order is another one', async () => {
  const part = await partWithoutMonitor({ steps: { ask: () => Promise.resolve(done) } });
  const order = new AbortController();
  const step = part.runStep('pgsql', 'ask', order.signal);
  order.abort(new Error('another goal'));
  await expect(step).rejects.toThrow('another goal');
});

test('a step that nobody brings is tried again, and says so', async () => {
  const part = await partWithoutMonitor({});
  const outcome = await part.runStep('pgsql', 'unknown', new AbortController().signal);
  expect(outcome).toEqual({ tag: 'retry', reason: 'the plugin of kind "pgsql" brings no step "unknown"' });
});
