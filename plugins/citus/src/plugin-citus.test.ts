import { expect, it } from 'vitest';
import citus from './plugin-citus.js';

const PATCHES = citus.edgePatches ?? [];

/** What the plugin does right before Postgres stops on that way. */
function beforeStop(role: string, [from, to]: readonly string[]): string[] {
  return PATCHES.filter((patch) => patch.roles?.includes(role) && patch.from === from && patch.to === to)
    .filter((patch) => patch.place === 'before' && patch.of === 'stopPostgres')
    .flatMap(({ steps }) => steps)
    .map((step) => (step.do === 'plugin' ? step.step : step.do));
}

const MAKES_WAY = [
  ['primary', 'draining'],
  ['single', 'draining'],
  ['primary', 'prepare_maintenance'],
  ['primary', 'dropped'],
];

it.each(MAKES_WAY)('holds up commits of a coordinator before it stops: %s -> %s', (from, to) => {
  expect(beforeStop('coordinator', [from, to])).toEqual(['holdCommits']);
});

it.each(MAKES_WAY)('holds up queries to a worker before it stops: %s -> %s', (from, to) => {
  const verify = to === 'dropped' ? 'verifySuccessor' : 'verifyTarget';
  expect(beforeStop('worker', [from, to])).toEqual(['awaitPause', verify, 'confirmPause']);
});

it('brings each step that its edges name', async () => {
  const part = await citus.keeper?.();
  const named = PATCHES.flatMap(({ steps }) => steps).flatMap((step) =>
    step.do === 'plugin' ? [step.step] : [],
  );
  const brought = [...Object.keys(part?.steps ?? {}), ...Object.keys(part?.localSteps ?? {})];
  expect([...new Set(named)].sort()).toEqual(brought.sort());
});
