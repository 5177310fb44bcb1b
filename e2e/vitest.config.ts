import { vitestFor } from '../vitest.shared.js';

const each = { testTimeout: 120_000, hookTimeout: 120_000, setupFiles: ['./src/keep-evidence.ts'] };

/**
 * Scenarios that are mostly waiting, bring all servers that they need, and compare no time with a limit: two at once.
 * Whatever is not named here runs alone.
 */
const TOGETHER = [
  'certificates',
  'citus/chaos',
  'citus/crash-at-steps',
  'citus/drift',
  'citus/refused',
  'containers/*',
  'containers/full/citus-quickstart',
  'containers/full/three-nodes',
  'containers/smoke/*',
  'crash-at-rest',
  'crash-checks',
  'drop-monitor',
  'edges-agree',
  'example/*',
  'five-nodes',
  'lossy-failover',
  'lost-node',
  'maintenance',
  'pages/*',
  'paused',
  'power-cut',
  'second-kind',
  'settings',
  'timeline',
  'watch',
].map((name) => `src/${name}.test.ts`);

const whole = vitestFor('e2e', each);
const { resolve, ssr } = whole;

/** Each scenario brings its own servers, and some measure time: those run one at a time, after the others. */
export default {
  ...whole,
  test: {
    ...whole.test,
    projects: [
      {
        resolve,
        ssr,
        test: {
          ...each,
          name: 'together',
          include: TOGETHER,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        resolve,
        ssr,
        test: {
          ...each,
          name: 'alone',
          include: ['src/**/*.test.ts'],
          exclude: TOGETHER,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
};
