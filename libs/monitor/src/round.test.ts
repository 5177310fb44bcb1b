import { afterAll, beforeAll, expect, test } from 'vitest';
import type pg from 'pg';
import { DEFAULT_TIMINGS } from '@pgaf/fsm/default-timings';
import { keyOf, loadNextGroups, type GroupKey } from './group-store.js';
import { Round } from './round.js';
import { TestMonitor } from './testing/test-monitor.js';

const GROUPS = 240;
const timings = { ...DEFAULT_TIMINGS, serviceStartedAt: 0 };
let monitor: TestMonitor;
let root: pg.Client;

beforeAll(async () => {
  monitor = await TestMonitor.create();
  root = await monitor.connectAsSuperuser();
  await root.query(`
    INSERT INTO pgautofailover.formation (formationid) VALUES ('other');
    INSERT INTO pgautofailover.group_state (formationid, groupid)
      SELECT CASE WHEN n % 2 = 0 THEN 'other' ELSE 'default' END, n FROM generate_series(1, ${GROUPS}) AS n`);
});
afterAll(async () => {
  await monitor?.destroy();
});

const load = async (after: GroupKey | null, limit: number): Promise<GroupKey[]> =>
  (await loadNextGroups(root, timings, after, limit)).map(keyOf);

async function piece(round: Round, now: number): Promise<{ keys: string[]; isLast: boolean }> {
  let seen: GroupKey[] = [];
  const { isLast } = await round.next(now, async (after, limit) => (seen = await load(after, limit)));
  return { keys: seen.map(({ formation, group }) => `${formation} ${group}`), isLast };
}

test('a round goes over every group once, a piece at a time, and the next one begins half a second after it', async () => {
  const round = new Round();
  expect(round.dueAt).toBe(0);
  const seen: string[] = [];
  let pieces = 0;
  for (let now = 1000; ; now = round.dueAt) {
    const { keys, isLast } = await piece(round, now);
    seen.push(...keys);
    pieces++;
    if (isLast) break;
    expect(round.dueAt).toBe(now + 100);
  }
  expect(new Set(seen).size).toBe(GROUPS);
  expect(seen).toHaveLength(GROUPS);
  expect(pieces).toBeGreaterThan(2);
  expect(round.dueAt).toBe(1500);
  expect((await piece(round, 1500)).keys[0]).toBe('default 1');
});

test('few groups are one piece', async () => {
  await root.query('DELETE FROM pgautofailover.group_state WHERE groupid > 3');
  expect(await piece(new Round(), 0)).toEqual({
    keys: ['default 1', 'default 3', 'other 2'],
    isLast: true,
  });
});
