import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endEverythingIn } from '@pgaf/testing/end-processes';
import { makeOwnedDirectory, postgresOwner } from '@pgaf/testing/owner';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findPgCtl } from '../../../tools/find-postgres.mjs';
import { decideCost } from '../decide-cost.js';
import type { LoadedMonitor } from './loaded-monitor.js';
import { makePgafMonitor } from './pgaf-monitor.js';
import { atPace, timeOfReport } from './thousand-nodes.js';

const FEW = { nodes: 20, pairs: 2, secondsWithoutPause: 2, settleMs: 1000, atPaceMs: 2000 };

let directory: string;
let monitor: LoadedMonitor;

beforeAll(async () => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'pgaf-bench-')));
  makeOwnedDirectory(directory, postgresOwner());
  monitor = await makePgafMonitor(findPgCtl() ?? '', directory);
}, 60_000);
afterAll(async () => {
  await monitor?.close();
  await endEverythingIn(directory);
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

it('measures how long a report takes', { timeout: 60_000 }, async () => {
  const microseconds = await timeOfReport(monitor, FEW);
  expect(microseconds).toBeGreaterThan(10);
  expect(microseconds).toBeLessThan(1_000_000);
});

it(
  'measures a monitor whose nodes report at their pace, some of them handed over',
  { timeout: 120_000 },
  async () => {
    const { processor, delays } = await atPace(monitor, FEW);
    expect(processor).toBeGreaterThan(0);
    for (const { ms } of delays) expect(ms).toBeGreaterThan(0);
    expect(new Set(delays.map(({ since }) => since))).toEqual(new Set(['order', 'report']));
  },
);

it('begins to decide also where a group of earlier nodes is still there', () => {
  monitor.register(FEW.nodes);
  monitor.beginToDecide();
  expect(() => monitor.beginToDecide()).not.toThrow();
});

it('measures a decision', () => {
  expect(decideCost()).toBeGreaterThan(0.1);
});
