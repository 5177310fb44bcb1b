import { expect, test } from 'vitest';
import { done, retry, type Outcome } from '@pgaf/core/result';
import { until } from '@pgaf/postgres/until';
import { ReconcileHook, type Standing } from './reconcile-hook.js';

/** No run is due by the clock alone. */
const NEVER = { reconcile: 1e9, busy: 1e9 };
const { signal } = new AbortController();

/** A hook that runs again as soon as it says that it may be due, and is called once to begin with. */
function hookOf(standing: Standing, outcome: Outcome = done) {
  const runs: number[] = [];
  const hook: ReconcileHook = new ReconcileHook(
    async () => {
      runs.push(performance.now());
      return outcome;
    },
    () => hook.runWhenDue(NEVER, standing, signal),
  );
  hook.runWhenDue(NEVER, standing, signal);
  return { hook, runs };
}

/** A run of this hook takes no time. */
const runEnded = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const soon = () => ({ everyMs: 5, signal: AbortSignal.timeout(10_000) });

test.each(['leads', 'follows'] as const)(
  'one that begins looks at once where its node %s',
  async (standing) => {
    const { runs } = hookOf(standing);
    expect(runs).toHaveLength(1);
    await runEnded();
  },
);

test('a leader hears of each change at once', async () => {
  const { hook, runs } = hookOf('leads');
  await runEnded();
  hook.call();
  hook.runWhenDue(NEVER, 'leads', signal);
  expect(runs).toHaveLength(2);
  hook.call();
  await until(() => runs.length === 3 || undefined, soon());
  await runEnded();
});

test('one that follows looks once for the changes of a moment', async () => {
  const { hook, runs } = hookOf('follows');
  await runEnded();
  const since = performance.now();
  for (let n = 0; n < 3; n++) {
    hook.call();
    hook.runWhenDue(NEVER, 'follows', signal);
  }
  expect(runs).toHaveLength(1);
  await until(() => runs.length === 2 || undefined, soon());
  expect((runs[1] ?? 0) - since).toBeGreaterThan(200);
  await runEnded();
  hook.runWhenDue(NEVER, 'follows', signal);
  expect(runs).toHaveLength(2);
});

test('a change is not waited for any longer once the node leads', async () => {
  const { hook, runs } = hookOf('follows');
  await runEnded();
  hook.call();
  hook.runWhenDue(NEVER, 'follows', signal);
  hook.runWhenDue(NEVER, 'leads', signal);
  expect(runs).toHaveLength(2);
  await runEnded();
});

test('what is called for at once does not wait on a node that follows', async () => {
  const { hook, runs } = hookOf('follows');
  await runEnded();
  hook.callAtOnce();
  hook.runWhenDue(NEVER, 'follows', signal);
  expect(runs).toHaveLength(2);
});

test('nothing runs once it has ended, whatever was called for meanwhile', async () => {
  const { hook, runs } = hookOf('follows');
  hook.call();
  await hook.ended();
  hook.callAtOnce();
  hook.runWhenDue(NEVER, 'leads', signal);
  expect(runs).toHaveLength(1);
});

test('what was not done is tried again at the busy pace', async () => {
  const { hook, runs } = hookOf('leads', retry('not now'));
  await runEnded();
  await until(() => {
    hook.runWhenDue({ ...NEVER, busy: 50 }, 'leads', signal);
    return runs.length === 2 || undefined;
  }, soon());
  expect((runs[1] ?? 0) - (runs[0] ?? 0)).toBeGreaterThanOrEqual(50);
  await runEnded();
});
