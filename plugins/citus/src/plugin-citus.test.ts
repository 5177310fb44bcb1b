import { baseEdgeTable, spliceEdges } from '@pgaf/fsm/edge-table';
import { expect, it } from 'vitest';
import citus from './plugin-citus.js';

function stepsOf(role: string, edge: string): string[] {
  const table = spliceEdges(baseEdgeTable(), citus.edgePatches ?? [], role);
  return (table.get(edge)?.steps ?? []).map((step) => (step.do === 'plugin' ? step.step : step.do));
}

const MAKES_WAY = [
  'primary->draining',
  'single->draining',
  'primary->prepare_maintenance',
  'primary->dropped',
];

it.each(MAKES_WAY)('holds up commits of a coordinator right before it stops: %s', (edge) => {
  const steps = stepsOf('coordinator', edge);
  expect(steps.slice(steps.indexOf('stopPostgres') - 1)).toEqual([
    'holdCommits',
    'stopPostgres',
    'recordStop',
  ]);
});

it.each(MAKES_WAY)('holds up queries to a worker before it stops: %s', (edge) => {
  const steps = stepsOf('worker', edge);
  expect(steps.slice(steps.indexOf('awaitPause'))).toEqual([
    'awaitPause',
    edge.endsWith('dropped') ? 'verifySuccessor' : 'verifyTarget',
    'confirmPause',
    'stopPostgres',
    'recordStop',
  ]);
});

it('brings each step that its edges name', async () => {
  const part = await citus.keeper?.();
  const named = (citus.edgePatches ?? [])
    .flatMap(({ steps }) => steps)
    .flatMap((step) => (step.do === 'plugin' ? [step.step] : []));
  const brought = [...Object.keys(part?.steps ?? {}), ...Object.keys(part?.localSteps ?? {})];
  expect([...new Set(named)].sort()).toEqual(brought.sort());
});
