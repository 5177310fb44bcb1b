import { baseRuleBook } from '@pgaf/fsm/rule-book';
import { settle } from '@pgaf/fsm/settle';
import type { Timings } from '@pgaf/plugin-api/snapshot';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { changesNothing, SnapshotOutdatedError, writeDecision } from './decision-store.js';
import { loadGroupsOf } from './group-store.js';
import { FakeKeeper } from './testing/fake-keeper.js';
import { TestMonitor } from './testing/test-monitor.js';
import { beginTerm } from './term.js';
import { inTransaction } from './transaction.js';

const timings: Timings = {
  serviceStartedAt: 0,
  silentAfter: 2500,
  badHealthAfter: 5000,
  leaseMargin: 1500,
  enableSyncLag: 0n,
};
let monitor: TestMonitor;
let keeper: FakeKeeper;
let root: pg.Client;

beforeAll(async () => {
  monitor = await TestMonitor.create();
  const service = await monitor.serve();
  keeper = await FakeKeeper.register(monitor);
  await service.stop();
  await keeper.publishSystemIdentifier();
  root = await monitor.connectAsSuperuser();
});

afterAll(async () => {
  await keeper?.postgres.close();
  await monitor?.destroy();
});

async function storedGroup() {
  const [group] = await loadGroupsOf(root, timings, 'default');
  if (!group) throw new Error('there is no group');
  return group;
}

test('a group is read as it was reported, LSNs and instants as numbers', async () => {
  await keeper.report({
    state: 'single',
    lsn: '1/A',
    facts: { epoch: 1, stopped: { belowEpoch: 2, finalLsn: null }, waitingFor: 'tea' },
  });
  const { snapshot, serials } = await storedGroup();
  expect(serials.get(keeper.id)).toBe(1);
  expect(snapshot).toMatchObject({
    epoch: 1,
    leader: keeper.id,
    formation: { id: 'default', kind: 'pgsql' },
  });
  expect(snapshot.nodes[0]).toMatchObject({
    reported: 'single',
    goal: 'single',
    report: {
      lsn: 0x1_0000_000an,
      facts: { epoch: 1, stopped: { belowEpoch: 2, finalLsn: null }, waitingFor: 'tea' },
    },
    seen: { session: 'open' },
  });
  expect(Math.abs((snapshot.nodes[0]?.report.at ?? 0) - snapshot.now)).toBeLessThan(10_000);
});

test('a promotion is given up when its leader has reported since the snapshot', async () => {
  const { term } = await beginTerm(root);
  const before = await storedGroup();
  const settled = { ...settle(before.snapshot, baseRuleBook()), epochRaised: true };
  await keeper.report();
  const decision = { before, settled, waiting: [] };
  await expect(inTransaction(root, () => writeDecision(root, term, decision))).rejects.toThrow(
    SnapshotOutdatedError,
  );
});

test('a new epoch is not given up when its old leader has only said again that it has stopped', async () => {
  const { term } = await beginTerm(root);
  const newEpochBeside = async (facts: object) => {
    await keeper.report({ state: 'draining', facts });
    const before = await storedGroup();
    const settled = {
      group: { ...before.snapshot, leader: null },
      transitions: [],
      removed: [],
      epochRaised: true,
    };
    await keeper.report({ state: 'draining', facts });
    return inTransaction(root, async () => {
      await writeDecision(root, term, { before, settled, waiting: [] });
      throw new Error('taken back, since it was written');
    });
  };
  const stopped = { belowEpoch: 2, finalLsn: null };
  await expect(newEpochBeside({ epoch: 1, stopped })).rejects.toThrow('taken back');
  await expect(newEpochBeside({ epoch: 1 })).rejects.toThrow(SnapshotOutdatedError);
  await expect(newEpochBeside({ epoch: 1, stopped: { ...stopped, belowEpoch: 1 } })).rejects.toThrow(
    SnapshotOutdatedError,
  );
});

test('a decision of an earlier term is refused', async () => {
  const { term } = await beginTerm(root);
  await beginTerm(root);
  const before = await storedGroup();
  const decision = { before, settled: settle(before.snapshot, baseRuleBook()), waiting: [] };
  await expect(inTransaction(root, () => writeDecision(root, term, decision))).rejects.toMatchObject({
    code: 'term-lost',
  });
});

test('what is written is read again, and then nothing is left to write', async () => {
  const { term } = await beginTerm(root);
  const before = await storedGroup();
  const group = {
    ...before.snapshot,
    lineage: [{ epoch: 1, tli: 1, switchpoint: 0x3000148n }],
    memory: { kept: ['by', 'the', 'plugin'] },
  };
  const settled = { group, transitions: [], removed: [], epochRaised: false };
  await inTransaction(root, () => writeDecision(root, term, { before, settled, waiting: ['for a node'] }));
  const after = await storedGroup();
  expect(after.snapshot).toMatchObject({ lineage: group.lineage, memory: group.memory });
  expect(after.waiting).toEqual(['for a node']);
  expect(
    changesNothing({ before: after, settled: { ...settled, group: after.snapshot }, waiting: after.waiting }),
  ).toBe(true);
});
