import type { FormationView, NodeView } from '@pgaf/plugin-api';
import { expect, it } from 'vitest';
import { askFor, pauseAnswer, pauseEnd, pausesRequested } from './pause-request.js';

const node = (id: number, change: Partial<NodeView> = {}): NodeView => ({
  ...{ id, name: `n${id}`, host: `h${id}`, port: 5432, role: 'worker', cluster: 'default' },
  ...{ reported: 'primary', goal: 'primary' },
  ...change,
});
const formation = (
  coordinator: NodeView['said'],
  worker: NodeView,
  standby = node(3, { reported: 'secondary', goal: 'secondary' }),
  leader = worker.id,
): FormationView => ({
  ...{ formation: 'default', kind: 'citus', dbname: 'citus' },
  groups: [
    {
      group: 0,
      epoch: 1,
      leader: 1,
      memory: {},
      restored: false,
      nodes: [node(1, { said: coordinator ?? {} })],
    },
    { group: 1, epoch: 1, leader, memory: {}, restored: false, nodes: [worker, standby] },
  ],
});
const asking = node(2, { goal: 'draining', said: { pauseFor: 'a' } });
const goesOn = { tag: 'goes on', token: 'a' };
const request = { group: 1, leader: 2, token: 'a', forced: false };

it('a primary asks once it was told to make way', () => {
  expect(pausesRequested(formation({}, asking))).toEqual([request]);
  const byForce = { token: 'a', forced: true };
  const forcing = node(2, { goal: 'draining', said: { pauseFor: askFor(byForce) } });
  expect(pausesRequested(formation({}, forcing))).toEqual([{ ...request, ...byForce }]);
  expect(askFor({ ...byForce, forced: false })).toBe('a');
  expect(pausesRequested(formation({}, node(2, { goal: 'draining', said: { pauseFor: 7 } })))).toEqual([]);
  expect(pausesRequested(formation({}, node(2, { said: { pauseFor: 'a' } })))).toEqual([]);
  expect(pausesRequested(formation({}, node(2, { goal: 'draining' })))).toEqual([]);
  const stopped = node(2, { reported: 'draining', goal: 'draining', said: { pauseFor: 'a' } });
  expect(pausesRequested(formation({}, stopped))).toEqual([]);
});

it('what a monitor knows from a backup asks for nothing, and ends nothing', () => {
  const restored = ({ groups, ...view }: FormationView): FormationView => ({
    ...view,
    groups: groups.map((group) => ({ ...group, restored: true })),
  });
  expect(pausesRequested(restored(formation({}, asking)))).toEqual([]);
  expect(pauseEnd(request, restored(formation({}, node(2))))).toEqual({ ...goesOn, stopped: false });
});

it('an answer counts for its own question', () => {
  expect(pauseAnswer(formation({}, asking), 'a')).toBeNull();
  expect(pauseAnswer(formation({ pause: { token: 'b' } }, asking), 'a')).toBeNull();
  expect(pauseAnswer(formation({ pause: { token: 'a' } }, asking), 'a')).toEqual({ tag: 'held' });
  expect(pauseAnswer(formation({ pause: { token: 'a', refused: 'no' } }, asking), 'a')).toEqual({
    tag: 'refused',
    reason: 'no',
  });
});

it('a pause lasts until another node takes writes, or the old one goes on', () => {
  expect(pauseEnd(request, formation({}, asking))).toEqual({ ...goesOn, stopped: false });
  const again = node(2, { goal: 'draining', said: { pauseFor: 'b' } });
  expect(pauseEnd(request, formation({}, again))).toEqual({ ...goesOn, token: 'b', stopped: false });
  expect(pauseEnd(request, formation({}, node(2)))).toEqual({ tag: 'given up' });
  const out = node(2, { reported: 'draining', goal: 'demoted' });
  const opening = node(3, { reported: 'prepare_promotion', goal: 'wait_primary' });
  expect(pauseEnd(request, formation({}, out, opening, 3))).toEqual({ ...goesOn, stopped: true });
  const open = node(3, { reported: 'wait_primary', goal: 'wait_primary' });
  expect(pauseEnd(request, formation({}, out, open, 3))).toEqual({ tag: 'moved', primary: open });
});
