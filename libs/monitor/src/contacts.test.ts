import { expect, test } from 'vitest';
import { emptyGroup } from '@pgaf/fsm/empty-group';
import { DEFAULT_TIMINGS } from '@pgaf/fsm/default-timings';
import type { NodeSnapshot } from '@pgaf/plugin-api/snapshot';
import { Contacts } from './contacts.js';
import type { StoredGroup } from './group-store.js';

/** One node whose report number `serial` came at `at`, by a clock of the tables that shows `now`. */
function stored(serial: number, at: number, now: number): StoredGroup {
  const node: NodeSnapshot = {
    id: 1,
    name: 'node_1',
    host: '127.0.0.1',
    port: 5501,
    role: 'node',
    cluster: 'default',
    reported: 'primary',
    goal: 'primary',
    candidatePriority: 50,
    quorum: true,
    paused: false,
    changedAt: 0,
    report: { at, postgresRunning: true, tli: 1, lsn: 1n, facts: {} },
    seen: { health: 'good', healthSince: 0, refused: false, session: 'open' },
  };
  const formation = {
    id: 'default',
    kind: 'pgsql',
    dbname: 'postgres',
    numberSyncStandbys: 0,
    partitionPolicy: 'availability' as const,
    secondary: true,
  };
  const group = emptyGroup({
    now,
    timings: { ...DEFAULT_TIMINGS, serviceStartedAt: 0 },
    formation,
    group: 0,
  });
  return { snapshot: { ...group, nodes: [node] }, waiting: [], serials: new Map([[1, serial]]) };
}

/** The age of the node's report after each look, which is at these milliseconds of the process's own clock. */
function ages(...looks: [number, StoredGroup][]): (number | undefined)[] {
  const contacts = new Contacts();
  return looks.map(([lookedAt, group]) => {
    const snapshot = contacts.date([group], lookedAt)[0]?.snapshot;
    return snapshot && snapshot.now - (snapshot.nodes[0]?.report.at ?? 0);
  });
}

test('a report is as old as the tables say, between two looks', () => {
  expect(
    ages([0, stored(1, 900, 1000)], [500, stored(2, 1200, 1500)], [1000, stored(2, 1200, 2000)]),
  ).toEqual([0, 300, 800]);
});

test('a clock that is set forward makes nobody silent', () => {
  const hour = 3_600_000;
  expect(
    ages([0, stored(1, 0, 0)], [500, stored(2, 400, 500 + hour)], [1000, stored(2, 400, 1000 + hour)]),
  ).toEqual([0, 500, 1000]);
});

test('one that is set back hides nobody’s silence', () => {
  expect(
    ages([0, stored(1, 9000, 9000)], [500, stored(1, 9000, 500)], [1500, stored(1, 9000, 1500)]),
  ).toEqual([0, 500, 1500]);
});

test('glances hear as looks do, and looks after them know what they heard', () => {
  const hour = 3_600_000;
  const contacts = new Contacts();
  const hear = (lookedAt: number, serial: number, age: number) =>
    contacts.hear([{ id: 1, serial, age }], lookedAt);
  expect(hear(0, 1, 100)).toBe(0);
  expect(hear(1000, 2, 300)).toBe(300);
  expect(hear(2000, 2, 1300)).toBe(1300);
  expect(hear(3000, 3, hour)).toBe(1000);
  const snapshot = contacts.date([stored(3, 0, 2 * hour)], 3500)[0]?.snapshot;
  expect(snapshot && snapshot.now - (snapshot.nodes[0]?.report.at ?? 0)).toBe(1500);
});

test('of several nodes the silence is that of the most silent one', () => {
  const contacts = new Contacts();
  const both = (serials: [number, number]) => serials.map((serial, n) => ({ id: n + 1, serial, age: 0 }));
  contacts.hear(both([1, 1]), 0);
  expect(contacts.hear(both([2, 1]), 1000)).toBe(1000);
  expect(contacts.hear([], 1000)).toBe(0);
});

test('a service that was held up itself begins to count anew', () => {
  expect(ages([0, stored(1, 0, 0)], [60_000, stored(1, 0, 60_000)], [60_500, stored(1, 0, 60_500)])).toEqual([
    0, 0, 500,
  ]);
});

test('a node that is looked at seldom, as others take long, is as silent as it is', () => {
  const contacts = new Contacts();
  const look = (lookedAt: number, group: StoredGroup) => {
    const snapshot = contacts.date([group], lookedAt)[0]?.snapshot;
    return snapshot && snapshot.now - (snapshot.nodes[0]?.report.at ?? 0);
  };
  expect(look(0, stored(1, 0, 0))).toBe(0);
  for (let now = 500; now < 9000; now += 500) contacts.attend(now);
  expect(look(9000, stored(1, 0, 9000))).toBe(9000);
  for (let now = 9500; now < 15_000; now += 500) contacts.attend(now);
  expect(look(15_000, stored(2, 14_000, 15_000))).toBe(1000);
});
