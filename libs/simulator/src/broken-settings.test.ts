import { done } from '@pgaf/core/result';
import { test, vi } from 'vitest';
import { runStepOnModel } from './model-steps.js';
import { NO_SYNC } from './replication.js';
import { expectFound, LOST_COMMIT, withPromotionRule, withSettings, withSteps } from './search-broken.js';

/** Each clause of which settings may be in force, broken on purpose: the simulator finds what it is for. */
vi.setConfig({ testTimeout: 300_000 });

test('a promotion that looks at the newest setting alone', () => {
  expectFound(
    LOST_COMMIT,
    withPromotionRule(withSettings((settings) => settings.slice(-1))),
    'settingChanges',
  );
});

test('a promotion that looks at the last confirmed setting alone', () => {
  const confirmed = withSettings((settings) => settings.slice(0, 1));
  expectFound(LOST_COMMIT, withPromotionRule(confirmed), 'settingChanges');
});

test('a setting that is confirmed as soon as it is written', () => {
  const runStep: typeof runStepOnModel = (step, context) => {
    const { postgres, remember } = context;
    const progress = runStepOnModel(step, context);
    if (step.do === 'setSyncStandbys') return done;
    if (step.do === 'confirmSyncStandbys')
      remember({ confirmedSetting: postgres.configuration.sync.version });
    return step.do === 'confirmSyncStandbys' ? done : progress;
  };
  expectFound(LOST_COMMIT, { runStep }, 'settingChanges');
});

test('a setting that is confirmed without a checkpoint', () => {
  const uncheckpointed = withSteps((step, { scratch }) => {
    if (step === 'confirmSyncStandbys') scratch.checkpoint = 0;
  });
  expectFound(LOST_COMMIT, uncheckpointed, 'settingChanges', 2);
});

test('a setting that is confirmed before its members have flushed what was acknowledged under the last one', () => {
  const unflushed = withSteps((step, { scratch }) => {
    if (step === 'confirmSyncStandbys') Object.assign(scratch, { position: 0, provedAt: -1 });
  });
  expectFound(LOST_COMMIT, unflushed, 'settingChanges');
});

test('a setting that is confirmed before every walsender obeys it', () => {
  const runStep: typeof runStepOnModel = (step, context) => {
    const progress = runStepOnModel(step, context);
    return step.do === 'setSyncStandbys' ? done : progress;
  };
  expectFound(LOST_COMMIT, { runStep }, 'memberLeaves');
});

test('a new leader that opens before it has its first setting', () => {
  const runStep: typeof runStepOnModel = (step, context) => {
    if (step.do === 'setSyncStandbys' && context.postgres.inRecovery) return done;
    return runStepOnModel(step, context);
  };
  expectFound(LOST_COMMIT, { runStep }, 'newLeaderIsLost', 4);
});

test('a standby whose setting is empty, so that commits wait for nobody when it has just been promoted', () => {
  const runStep: typeof runStepOnModel = (step, context) => {
    const progress = runStepOnModel(step, context);
    if (step.do === 'writeStandbyConfig') context.postgres.configure({ sync: NO_SYNC });
    return progress;
  };
  expectFound(LOST_COMMIT, { runStep }, 'newLeaderIsLost');
});
