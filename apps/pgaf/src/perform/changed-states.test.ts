import { expect, it } from 'vitest';
import { changedStates } from './changed-states.js';

it('leaves out what says the states of a node again', () => {
  const changed = changedStates();
  const lines = [
    '1 primary draining',
    '1 primary draining',
    '2 secondary prepare_promotion',
    '1 draining draining',
    '2 secondary prepare_promotion',
    '1 primary draining',
  ];
  const shown = lines.filter((line) => {
    const [node, reportedState = '', goalState = ''] = line.split(' ');
    return changed({
      groupId: 0,
      nodeId: Number(node),
      name: '',
      host: '',
      port: 0,
      reportedState,
      goalState,
    });
  });
  expect(shown).toEqual([
    '1 primary draining',
    '2 secondary prepare_promotion',
    '1 draining draining',
    '1 primary draining',
  ]);
});
