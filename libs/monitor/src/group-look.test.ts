import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Contacts } from './contacts.js';
import { loadNextGlances } from './glance-store.js';
import { GroupLook } from './group-look.js';
import { DEFAULT_SETTINGS, timingsOf } from './monitor-settings.js';
import type { FakeKeeper } from './testing/fake-keeper.js';
import { formGroup } from './testing/formed-group.js';
import { TestMonitor, until } from './testing/test-monitor.js';

const TIMINGS = timingsOf(DEFAULT_SETTINGS, 0);

let monitor: TestMonitor;
let keepers: FakeKeeper[];
let root: pg.Client;
let look: GroupLook;
let absent: Set<number>;
/** The paces of the nodes of each group that was read. */
let read: string[];

beforeAll(async () => {
  monitor = await TestMonitor.create();
  const service = await monitor.serve();
  root = await monitor.connectAsSuperuser();
  keepers = await formGroup(monitor, 'default', ['a', 'b']);
  await until('both are seen as good', async () => (await loadNextGlances(root, null, 1))[0]?.well === true);
  // What is changed below is nobody's news.
  await service.stop();
}, 60_000);
afterAll(async () => {
  await monitor?.destroy();
  for (const { postgres } of keepers ?? []) await postgres.close();
});
beforeEach(async () => {
  for (const keeper of keepers) await keeper.report();
  absent = new Set();
  read = [];
  look = new GroupLook({
    client: root,
    contacts: new Contacts(),
    checker: {
      watch: (_nodes, pace) => read.push(pace),
      confirm: () => undefined,
      endRound: () => undefined,
    },
    groups: {
      settleAll: () => Promise.resolve(),
      isHeld: () => false,
      hasSession: (id) => !absent.has(id),
    },
  });
  await goRound();
  await goRound();
  expect(read).toEqual(['seldom', 'seldom']);
  read.length = 0;
});

/** @returns the pace of the only group, when it was read */
async function goRound(timings = TIMINGS, crowd: 'few' | 'many' = 'many'): Promise<string | undefined> {
  const before = read.length;
  await look.lookAtNext(null, 50, timings, crowd);
  look.endRound();
  return read[before];
}

test('a group at rest is read in each third round', async () => {
  const rounds = [];
  for (let n = 0; n < 6; n++) rounds.push(await goRound());
  expect(rounds).toEqual([undefined, undefined, 'seldom', undefined, undefined, 'seldom']);
});

test('one of few nodes is read in each', async () => {
  for (let n = 0; n < 3; n++) expect(await goRound(TIMINGS, 'few')).toBe('often');
});

test('one that misses a report is read in the round that finds it, and in each after it', async () => {
  const late = { ...TIMINGS, silentAfter: 0 };
  for (let n = 0; n < 4; n++) expect(await goRound(late)).toBe('often');
});

test('so is one that is not well', async () => {
  await root.query('UPDATE pgautofailover.node SET health = 0 WHERE nodeid = 2');
  for (let n = 0; n < 4; n++) expect(await goRound()).toBe('often');
  await root.query('UPDATE pgautofailover.node SET health = 1 WHERE nodeid = 2');
});

test('one of whose nodes a session was missed is read', async () => {
  absent.add(2);
  expect(await goRound()).toBe('seldom');
});
