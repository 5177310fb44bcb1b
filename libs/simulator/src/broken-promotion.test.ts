import { isHealthy } from '@pgaf/fsm/health';
import { settle } from '@pgaf/fsm/settle';
import type { SyncSetting } from '@pgaf/plugin-api/snapshot';
import { test, vi } from 'vitest';
import type { WriteMemory } from './keeper-memory.js';
import type { Machine } from './machine.js';
import { reportOfModel } from './model-report.js';
import { isCutOff, runStepOnModel } from './model-steps.js';
import {
  always,
  expectFound,
  LOST_COMMIT,
  promotionOf,
  withGuards,
  withNode,
  withPromotionRule,
  withSettings,
} from './search-broken.js';

/** Each clause of what must be true of a promotion, broken on purpose: the simulator finds what it is for. */
vi.setConfig({ testTimeout: 300_000 });

const PROMISED: ReadonlySet<string> = new Set(['report_lsn', 'prepare_promotion']);
const ONE_PROMISE_OF_ONE: SyncSetting = { version: 0, required: 1, members: [] };

test('a promotion with too few promises', () => {
  expectFound(LOST_COMMIT, withGuards({ mayBePromoted: always, electionCanSucceed: always }));
});

test('a promotion with as many promises as others may have acknowledged without', () => {
  // |Q| - n instead of more than that.
  const oneLess = withSettings((settings) =>
    settings.map((setting) => ({ ...setting, required: setting.required && setting.required + 1 })),
  );
  expectFound(LOST_COMMIT, withPromotionRule(oneLess));
});

test('a promotion while a setting that waits for nobody may be in force', () => {
  const withoutZero = withSettings((settings) => {
    const waiting = settings.filter(({ required }) => required > 0);
    return waiting.length > 0 ? waiting : [ONE_PROMISE_OF_ONE];
  });
  expectFound(LOST_COMMIT, withPromotionRule(withoutZero));
});

test('a promotion that counts the healthy members alone', () => {
  const healthy = withSettings((settings, group) => {
    const ids = new Set(group.nodes.filter((node) => isHealthy(group, node)).map(({ id }) => id));
    return settings.map((setting) => ({ ...setting, members: setting.members.filter((id) => ids.has(id)) }));
  });
  expectFound(LOST_COMMIT, withPromotionRule(healthy));
});

test('a promotion of who is behind another promise', () => {
  const onlyOwn = withPromotionRule((group, candidate) => {
    const nodes = group.nodes.map((node) => {
      const { promise } = node.report.facts;
      if (!promise || node.id === candidate.id) return node;
      return {
        ...node,
        report: { ...node.report, facts: { ...node.report.facts, promise: { ...promise, lsn: 0n } } },
      };
    });
    return { ...group, nodes };
  });
  expectFound(LOST_COMMIT, onlyOwn);
});

test('a promotion of who lacks what a leader had that was told to stop', () => {
  const anywhere = promotionOf((group) => {
    const leader = group.nodes.find(({ id }) => id === group.leader);
    const stopped = leader?.report.facts.stopped;
    if (!leader || !stopped || stopped.finalLsn === null) return group;
    const facts = { ...leader.report.facts, stopped: { ...stopped, finalLsn: 0n } };
    return withNode(group, { ...leader, report: { ...leader.report, facts } });
  });
  expectFound(
    LOST_COMMIT,
    withGuards({ mayBePromoted: anywhere, hasFinalLsn: always, hasAllOfStopped: always }),
  );
});

test('an epoch that is not raised with the order to promote', () => {
  const notRaised: typeof settle = (group, book) => {
    const settled = settle(group, book);
    return settled.epochRaised ? { ...settled, group: { ...settled.group, epoch: group.epoch } } : settled;
  };
  expectFound(/./, { settle: notRaised });
});

test('a promise of a standby that still streams', () => {
  const streaming: typeof reportOfModel = (known) => {
    const report = reportOfModel(known);
    const { memory, postgres } = known;
    if (memory.promised <= memory.epoch || postgres.life !== 'up' || !postgres.inRecovery) return report;
    const promise = { epoch: memory.promised, tli: postgres.branch.tli, lsn: BigInt(postgres.knownLsn) };
    return { ...report, facts: { ...report.facts, promise } };
  };
  expectFound(/promised for epoch \d+ and streams/, { report: streaming });
});

test('a promise of a standby that has not replayed all its WAL yet', () => {
  const early: typeof reportOfModel = (known) => {
    const report = reportOfModel(known);
    const { memory, postgres } = known;
    const isBare = postgres.conninfo === null && !postgres.isReceiving && postgres.inRecovery;
    if (memory.promised <= memory.epoch || postgres.life !== 'up' || !isBare || postgres.replayed)
      return report;
    const promise = { epoch: memory.promised, tli: postgres.branch.tli, lsn: BigInt(postgres.knownLsn) };
    return { ...report, facts: { ...report.facts, promise } };
  };
  expectFound(LOST_COMMIT, { report: early }, 'whoHasMostRestarts');
});

test('a keeper that opens what a promotion left that was cut off', () => {
  const opened: typeof runStepOnModel = (step, context) => {
    const { standby } = context.postgres.configuration;
    const progress = runStepOnModel(step, context);
    if (step.do === 'promote' || step.do === 'startPostgres') context.postgres.configure({ standby });
    return progress;
  };
  expectFound(/on the timeline of node/, { runStep: opened });
});

test('a keeper that does not persist what it promised', () => {
  const write: WriteMemory = (before, after) => ({
    ...after,
    promised: before.promised,
    promise: before.promise,
  });
  const report: typeof reportOfModel = (known) => {
    const told = reportOfModel(known);
    const { memory, postgres } = known;
    if (!PROMISED.has(memory.current) || !isCutOff(postgres)) return told;
    const promise = {
      epoch: memory.epoch + 1,
      tli: postgres.branch.tli,
      lsn: BigInt(postgres.flushed),
    };
    return { ...told, facts: { ...told.facts, promise } };
  };
  expectFound(/./, { write, report });
});

test('a keeper that forgets the epoch it has accepted', () => {
  const write: WriteMemory = (before, after) => ({ ...after, epoch: before.epoch });
  expectFound(/./, { write });
});

test('a keeper that takes every order', () => {
  const accept: Machine['accept'] = (state, order) => ({
    tag: 'accepted',
    state: { ...state, epoch: order.epoch, goal: order.goal },
  });
  expectFound(/./, { accept });
});
