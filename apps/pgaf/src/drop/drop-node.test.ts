import { afterAll, beforeAll, expect, it } from 'vitest';
import { EXIT } from '@pgaf/core/errors';
import { readPidFile } from '../pid-file.js';
import { Sandbox, waitFor } from '../testing/run-pgaf.js';
import { startSingleNode, type SingleNode } from '../testing/single-node.js';

const sandbox = new Sandbox();
const pgdata = sandbox.path('first');
const pidFile = `${sandbox.path('run')}/pg_autoctl${pgdata}/pg_autoctl.pid`;
let there: SingleNode;

beforeAll(async () => {
  there = await startSingleNode(sandbox);
}, 90_000);

afterAll(() => sandbox.dispose(), 60_000);

/** A service that stands still for a while at its end, before it takes its pid file away. */
const SLOW_END = encodeURIComponent(`
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  const { rmSync } = fs;
  fs.rmSync = (path, ...more) => {
    if (path === '${pidFile}') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
    return rmSync(path, ...more);
  };
  syncBuiltinESMExports();`);

it('removes nothing under a service that was killed meanwhile, and started again', async () => {
  const service = readPidFile(pidFile)?.service.pid ?? 0;
  // It hears of the order from its successor only.
  process.kill(service, 'SIGSTOP');
  const dropping = sandbox.run(['drop', 'node', '--pgdata', pgdata, '--destroy']);
  let seen = '';
  await waitFor(
    'the order',
    async () => {
      seen = (await sandbox.run(['show', 'state', '--monitor', there.monitorUri])).stdout;
      return / single \|\s+dropped/.test(seen);
    },
    30_000,
    () => seen,
  );
  process.kill(service, 'SIGKILL');
  const next = sandbox.start(['run', '--pgdata', pgdata], {
    NODE_OPTIONS: `--import=data:text/javascript,${SLOW_END}`,
  });
  const dropped = await dropping;
  expect(dropped.status, dropped.stderr).toBe(0);
  expect(next.exitCode).toBe(EXIT.dropped);
  expect(sandbox.tree().filter((name) => name.includes('first'))).toEqual([]);
}, 90_000);
