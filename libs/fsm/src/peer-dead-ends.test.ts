import { expect, test } from 'vitest';
import { groupFixture, type GroupFixture, type NodeFixture } from './group-fixture.js';
import { decideCommand, type OperatorCommand } from './operator.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';
import { comeToRest, isWhole, statesOf } from './untroubled-group.js';
import type { GroupSnapshot } from './vocabulary.js';

/** Where pg_auto_failover is known to be stuck, to go the wrong way, or to repeat itself. */
const book = baseRuleBook();

function afterCommand(fixture: GroupFixture, command: OperatorCommand): GroupSnapshot {
  const decision = decideCommand(groupFixture(fixture), command, book);
  if (decision.tag === 'refused') throw new Error(decision.message);
  return decision.settled.group;
}

function expectWhole(group: GroupSnapshot): GroupSnapshot {
  const rest = comeToRest(group, book);
  if (!isWhole(rest.group)) expect.fail([statesOf(group), ...rest.story].join('\n'));
  return rest.group;
}

test('a primary that is left alone with candidate priority 0 goes on taking writes', () => {
  const { group } = settle(groupFixture({ nodes: [{ id: 1, reported: 'primary', priority: 0 }] }), book);
  expect(group.nodes.map(({ goal }) => goal)).toEqual(['single']);
});

test('the last node of a group comes back from its maintenance', () => {
  const alone: GroupFixture = { leader: null, nodes: [{ id: 2, reported: 'maintenance', running: false }] };
  const group = afterCommand(alone, { kind: 'stop_maintenance', node: 2 });
  expect(expectWhole(group).leader).toBe(2);
});

test.each(['catchingup', 'secondary', 'join_secondary', 'maintenance'] as const)(
  'a standby that is %s does not keep a primary in apply_settings',
  (reported) => {
    const goal = reported === 'maintenance' ? 'catchingup' : reported;
    const standby: NodeFixture = { id: 2, reported, goal };
    for (const primary of ['primary', 'apply_settings'] as const) {
      const leader: NodeFixture = { id: 1, reported: primary, goal: 'apply_settings' };
      expectWhole(groupFixture({ nodes: [leader, standby, { id: 3, reported: 'secondary' }] }));
    }
  },
);

test('a standby takes over from a primary that has not begun its maintenance yet', () => {
  const rest = comeToRest(
    groupFixture({
      switchoverTarget: 2,
      nodes: [
        { id: 1, reported: 'primary', goal: 'prepare_maintenance' },
        { id: 2, reported: 'secondary' },
        { id: 3, reported: 'secondary' },
      ],
    }),
    book,
  );
  expect(rest.group.leader, rest.story.join('\n')).toBe(2);
});

test('among three nodes, too, a failover without a candidate is refused before the primary is drained', () => {
  const without = groupFixture({
    nodes: [
      { id: 1, reported: 'primary' },
      { id: 2, reported: 'secondary', priority: 0 },
      { id: 3, reported: 'catchingup' },
    ],
  });
  expect(decideCommand(without, { kind: 'perform_failover' }, book)).toMatchObject({ tag: 'refused' });
});

test.each<readonly NodeFixture[]>([
  [{ id: 1, reported: 'single' }],
  [
    { id: 1, reported: 'primary' },
    { id: 2, reported: 'secondary' },
  ],
  [
    { id: 1, reported: 'primary' },
    { id: 2, reported: 'secondary' },
    { id: 3, reported: 'secondary', quorum: false },
  ],
])('a group that rests is told nothing again', (...nodes) => {
  expect(settle(groupFixture({ nodes }), book).transitions).toEqual([]);
});
