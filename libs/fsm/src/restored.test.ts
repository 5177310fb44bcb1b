import { describe, expect, test } from 'vitest';
import { baseEdgeTable, findEdge } from './edge-table.js';
import { groupFixture, nodeFixture, type GroupFixture, type NodeFixture } from './group-fixture.js';
import { decideCommand } from './operator.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';
import type { GroupSnapshot, KeeperFacts } from './vocabulary.js';
import { whatFailoverWaitsFor } from './waiting.js';

const book = baseRuleBook();
const promoted = { epoch: 3, tli: 3, switchpoint: 900n };

/** The backup is of epoch 1, with node 1 as the primary; node 2 was promoted twice since. */
function restored(change: Partial<GroupFixture['nodes'][number]> = {}): GroupFixture {
  return {
    epoch: 1,
    leader: 1,
    nodes: [
      { id: 1, reported: 'secondary', goal: 'primary', tli: 3, facts: { epoch: 3 }, ...change },
      {
        id: 2,
        reported: 'primary',
        goal: 'secondary',
        tli: 3,
        facts: { epoch: 3, confirmedSetting: 9, promoted },
      },
    ],
  };
}

test('nothing is decided while a node has not reported to the restored monitor', () => {
  const group = groupFixture(restored({ facts: {}, reported: 'primary', seen: { session: 'unknown' } }));
  expect(settle(group, book)).toMatchObject({ transitions: [], epochRaised: false });
  expect(whatFailoverWaitsFor(group).join()).toContain(
    'epoch 1, a node has seen epoch 3: nothing is decided until node 1 "node_1" (127.0.0.1:5501) has reported',
  );
  expect(decideCommand(group, { kind: 'perform_failover' }, book)).toMatchObject({
    tag: 'refused',
    sqlstate: '55000',
  });
});

test('nor is anything that is said to a keeper an order meanwhile, as in a monitor that was found to be restored', () => {
  const behind = groupFixture(restored({ facts: { epoch: 1 }, seen: { session: 'unknown' } }));
  expect(behind.restored).toBe(false);
  expect(settle(behind, book).group).toEqual({ ...behind, restored: true });
  // Who told of the later epoch is gone: the others may know of it, too.
  const third: NodeFixture = {
    id: 3,
    reported: 'secondary',
    facts: { epoch: 1 },
    seen: { session: 'unknown' },
  };
  const { group } = settle({ ...behind, nodes: [...behind.nodes, nodeFixture(third)] }, book);
  const gone = { ...group, nodes: group.nodes.filter(({ id }) => id !== 2) };
  expect(settle(gone, book)).toMatchObject({ transitions: [], group: { restored: true } });
});

test('nor while the session of one has begun, and nothing was said over it: what is known of it is of the backup', () => {
  const begun = { facts: { epoch: 1 }, reported: 'primary', seen: { session: 'begun' } } as const;
  const behind = groupFixture(restored(begun));
  const doubted = groupFixture({ restored: true, nodes: [{ id: 1, ...begun }] });
  for (const group of [behind, doubted]) {
    expect(settle(group, book)).toMatchObject({ transitions: [], group: { leader: 1, restored: true } });
    expect(whatFailoverWaitsFor(group).join()).toContain('until node 1');
  }
});

test('when all have, the highest epoch is taken over with what they are', () => {
  const { group, transitions, epochRaised } = settle(groupFixture(restored()), book);
  expect(group).toMatchObject({ epoch: 3, leader: 2 });
  expect(transitions.map(({ node, goal, rule }) => `${node} ${goal} ${rule}`)).toEqual([
    '1 secondary monitor.restored',
    '2 primary monitor.restored',
  ]);
  expect(epochRaised).toBe(true);
  expect(group.lineage.at(-1)).toEqual(promoted);
});

test('until the setting is confirmed anew, commits may have been acknowledged under any', () => {
  const { group } = settle(groupFixture(restored()), book);
  const [unknown] = group.settingsInForce;
  expect(unknown?.required).toBe(0);
  expect(group.settingsInForce.at(-1)).toMatchObject({ required: 1, members: [1] });
  expect(unknown?.version).toBeGreaterThan(9);
});

test.each(['primary', 'draining', 'prepare_maintenance'] as const)(
  'who led an epoch that is over, and is %s, is demoted',
  (reported) => {
    const group = groupFixture(restored({ reported, facts: { epoch: 1 } }));
    expect(settle(group, book).group.nodes[0]?.goal).toBe('demoted');
  },
);

test('a primary whose last standby was being dropped has one again', () => {
  const nodes: NodeFixture[] = [
    { id: 1, reported: 'single', goal: 'primary', facts: { epoch: 1 } },
    { id: 2, reported: 'secondary', facts: { epoch: 1 } },
  ];
  const { group } = settle({ ...groupFixture({ epoch: 1, leader: 1, nodes }), restored: true }, book);
  expect(group.nodes.map(({ goal }) => goal)).toEqual(['wait_primary', 'secondary']);
});

test('who has not heard yet what it is to become still is to', () => {
  const group = groupFixture(restored({ reported: 'init', goal: 'wait_standby', facts: { epoch: 0 } }));
  expect(settle(group, book).group.nodes[0]?.goal).not.toBe('init');
});

describe('where no node says that the highest epoch is its own', () => {
  const standby = (
    id: number,
    facts: KeeperFacts,
    change: Partial<NodeFixture> = {},
  ): GroupFixture['nodes'][number] => ({
    id,
    reported: 'secondary',
    goal: 'catchingup',
    facts: { epoch: 3, ...facts },
    ...change,
  });
  const two = (first: NodeFixture, second: NodeFixture): GroupSnapshot =>
    groupFixture({ epoch: 1, leader: 1, nodes: [first, second] });
  const states = ({ nodes }: GroupSnapshot): string =>
    nodes.map(({ id, goal }) => `${id} ${goal}`).join(', ');
  const lossy = { kind: 'perform_lossy_failover' } as const;

  test('the node that another one knows as its leader is told again to take writes', () => {
    const promise = { epoch: 3, tli: 2, lsn: 900n };
    const ordered = { id: 2, reported: 'prepare_promotion', goal: 'secondary', facts: { epoch: 2, promise } };
    const { group } = settle(two(standby(1, { leader: 2 }), ordered as NodeFixture), book);
    expect(group).toMatchObject({ epoch: 3, leader: 2, restored: false });
    expect(states(group)).toBe('1 secondary, 2 wait_primary');
  });

  test.each(['prepare_promotion', 'secondary'] as const)(
    'one that was promoted from %s, and stopped before it took writes, still is to',
    (reported) => {
      const opened = { id: 2, reported, facts: { epoch: 3, leader: 2, promoted } };
      const { group } = settle(two(standby(1, { leader: 2 }), opened), book);
      expect(states(group)).toBe('1 secondary, 2 wait_primary');
    },
  );

  test('one that was about to be replaced before it began is not', () => {
    const promise = { epoch: 4, tli: 2, lsn: 900n };
    const facts = { epoch: 3, leader: 2 };
    const { group } = settle(
      two(standby(1, { leader: 2, promise }, { reported: 'report_lsn' }), {
        id: 2,
        reported: 'prepare_promotion',
        facts,
      }),
      book,
    );
    expect(group).toMatchObject({ epoch: 3, leader: 2 });
    expect(states(group)).toBe('1 report_lsn, 2 draining');
  });

  test.each(['draining', 'prepare_maintenance', 'dropped', 'demoted', 'secondary', 'catchingup'] as const)(
    'who is %s and has not heard that it takes writes again hears it once more',
    (reported) => {
      const { group } = settle(
        two(standby(1, { leader: 2 }), { id: 2, reported, running: false, facts: { epoch: 2 } }),
        book,
      );
      expect(group).toMatchObject({ epoch: 3, leader: 2 });
      expect(states(group)).toContain('2 wait_primary');
      expect(findEdge(baseEdgeTable(), reported, 'wait_primary')).toBeDefined();
    },
  );

  test('one that was being dropped in that epoch still is', () => {
    const stopped = { belowEpoch: 4, finalLsn: 1000n };
    const facts = { epoch: 3, leader: 2, stopped };
    const { group } = settle(
      two(standby(1, { leader: 2 }), { id: 2, reported: 'dropped', running: false, facts }),
      book,
    );
    expect(group.nodes[1]?.goal).toBe('dropped');
  });

  test('nobody leads when an operator has given that node up, and who is left is elected', () => {
    const before: NodeFixture = { id: 2, reported: 'demoted', running: false, facts: { epoch: 2 } };
    const { group } = settle(two(standby(1, { leader: null }, { tli: 2 }), before), book);
    expect(group).toMatchObject({ epoch: 3, leader: null });
    expect(states(group)).toBe('1 report_lsn, 2 demoted');
  });

  test('who led before and may have more opens again, where nobody followed the node that was given up', () => {
    const before: NodeFixture = { id: 2, reported: 'demoted', running: false, facts: { epoch: 2 } };
    const { group } = settle(two(standby(1, { leader: null }), before), book);
    expect(group).toMatchObject({ epoch: 4, leader: 2 });
  });

  test('the same holds when the backup says so', () => {
    const group = groupFixture({
      leader: null,
      restored: true,
      nodes: [standby(1, { epoch: 1, leader: 2 })],
    });
    expect(settle(group, book).group).toMatchObject({ leader: null, restored: false });
  });

  test('nobody is elected beside one that takes writes still', () => {
    const writes: NodeFixture = { id: 2, reported: 'primary', facts: { epoch: 2 } };
    const { group } = settle(two(standby(1, { leader: null }), writes), book);
    expect(states(group)).toBe('1 secondary, 2 demoted');
    const stopped = { ...writes, running: false };
    expect(states(settle(two(standby(1, { leader: null }), stopped), book).group)).toBe(
      '1 report_lsn, 2 demoted',
    );
  });

  test('a node that is not in the group may take writes, so an operator has to give it up', () => {
    const known = groupFixture({ epoch: 1, leader: 1, nodes: [standby(1, { leader: 7 })] });
    expect(settle(known, book).transitions).toEqual([]);
    expect(whatFailoverWaitsFor(known).join()).toContain(
      'a node has seen epoch 3, which was given to node 7, which is not in the group: nothing is decided until',
    );
    expect(decideCommand(known, { kind: 'perform_failover' }, book)).toMatchObject({
      tag: 'refused',
      hint: expect.stringContaining('pgaf perform failover --allow-data-loss') as string,
    });
    const accepted = decideCommand(known, lossy, book);
    expect(accepted).toMatchObject({
      tag: 'accepted',
      settled: { group: { epoch: 3, leader: null, restored: false } },
    });
  });

  test('the same where nobody knows whom it was given to', () => {
    const group = groupFixture({ epoch: 1, leader: 1, nodes: [standby(1, {})] });
    expect(whatFailoverWaitsFor(group).join()).toContain('which was given to none of its nodes');
    expect(decideCommand(group, lossy, book).tag).toBe('accepted');
  });

  test('not while a standby hears from it, nor before its lease is over', () => {
    const upstream = { node: 7, streaming: true, closed: false, refused: false };
    const heard = (quietFor: number, streaming: boolean) =>
      groupFixture({
        epoch: 1,
        leader: 1,
        nodes: [standby(1, { leader: 7, quietFor, upstream: { ...upstream, streaming } })],
      });
    expect(decideCommand(heard(100, true), lossy, book)).toMatchObject({
      tag: 'refused',
      sqlstate: '55000',
      hint: expect.stringContaining('Stop node 7 first') as string,
    });
    expect(decideCommand(heard(5000, false), lossy, book).tag).toBe('refused');
    expect(decideCommand(heard(6000, false), lossy, book).tag).toBe('accepted');
  });

  test('nor before the longest lease is over that a node of the group has', () => {
    const upstream = { node: 7, streaming: false, closed: false, refused: false };
    const after = (quietFor: number) =>
      groupFixture({
        epoch: 1,
        leader: 1,
        nodes: [standby(1, { leader: 7, quietFor, upstream, leaseAsLeader: 20_000 })],
      });
    expect(decideCommand(after(21_000), lossy, book).tag).toBe('refused');
    expect(decideCommand(after(22_000), lossy, book).tag).toBe('accepted');
  });

  test('a timeline can be accepted, too', () => {
    const known = groupFixture({
      epoch: 1,
      leader: 1,
      nodes: [standby(1, { leader: 7 }, { tli: 4 }), standby(2, { leader: 7 })],
    });
    expect(decideCommand(known, { kind: 'accept_timeline', tli: 4, by: null }, book)).toMatchObject({
      tag: 'accepted',
      settled: { group: { epoch: 4, leader: 1, restored: false }, epochRaised: true },
    });
    expect(decideCommand(known, { kind: 'accept_timeline', tli: 9, by: null }, book).tag).toBe('refused');
  });

  describe('and that node is dropped', () => {
    const drop = { kind: 'remove_node', node: 2, force: true } as const;
    const lost: NodeFixture = {
      id: 2,
      reported: 'secondary',
      facts: { epoch: 1 },
      silentFor: 60,
      seen: { session: 'unknown', health: 'bad' },
    };

    test('by force, the others go on without it', () => {
      const group = two(standby(1, { leader: 2 }), lost);
      expect(whatFailoverWaitsFor(group).join()).toContain('until node 2');
      expect(decideCommand(group, drop, book)).toMatchObject({
        tag: 'accepted',
        settled: { removed: [2], group: { epoch: 3, leader: null, restored: false } },
      });
    });

    test('by force before all others have reported, it is given up later', () => {
      const away: NodeFixture = { ...lost, id: 3 };
      const group = groupFixture({ epoch: 1, leader: 1, nodes: [standby(1, { leader: 2 }), lost, away] });
      const dropped = decideCommand(group, drop, book);
      if (dropped.tag === 'refused') return expect.fail(dropped.message);
      const { group: left } = dropped.settled;
      expect(left).toMatchObject({ epoch: 1 });
      const back = groupFixture({ epoch: 1, leader: 1, nodes: [standby(1, { leader: 2 }), standby(3, {})] });
      expect(whatFailoverWaitsFor(back).join()).toContain('given to node 2, which is not in the group');
      expect(decideCommand(back, lossy, book).tag).toBe('accepted');
    });

    test.each([
      ['its Postgres answers', { ...lost, seen: { session: 'unknown', health: 'good' } } as NodeFixture, {}],
      [
        'a standby hears from it',
        lost,
        { quietFor: 0, upstream: { node: 2, streaming: true, closed: false, refused: false } },
      ],
    ])('by force, not while %s', (_which, node, facts) => {
      expect(decideCommand(two(standby(1, { leader: 2, ...facts }), node), drop, book)).toMatchObject({
        tag: 'refused',
        message: expect.stringContaining('it may') as string,
      });
    });

    test('without force, not before the group is believed: nobody would hear of it', () => {
      const order = { ...drop, node: 1, force: false };
      expect(decideCommand(two(standby(1, { leader: 2 }), lost), order, book).tag).toBe('refused');
    });
  });
});

test('a monitor that is restored without an epoch behind believes its nodes, and no setting, all the same', () => {
  const backup = (standby: GroupFixture['nodes'][number]): GroupFixture => ({
    restored: true,
    nodes: [{ id: 1, reported: 'primary', goal: 'wait_primary', facts: { epoch: 1 } }, standby],
  });
  const unheard = groupFixture(
    backup({ id: 2, reported: 'secondary', goal: 'catchingup', seen: { session: 'unknown' } }),
  );
  expect(settle(unheard, book).transitions).toEqual([]);
  expect(whatFailoverWaitsFor(unheard).join()).toContain('this monitor was restored from a backup: nothing');

  const heard = groupFixture(
    backup({ id: 2, reported: 'secondary', goal: 'catchingup', facts: { epoch: 1 } }),
  );
  const { group } = settle(heard, book);
  expect(group).toMatchObject({ epoch: 1, leader: 1, restored: false });
  expect(group.nodes.map(({ goal }) => goal)).toEqual(['primary', 'secondary']);
  expect(group.settingsInForce.map(({ required }) => required)).toEqual([0, 1]);
});

test('an election that was under way goes on', () => {
  const { group } = settle(
    groupFixture({
      restored: true,
      nodes: [
        { id: 1, reported: 'primary', facts: { epoch: 1 } },
        {
          id: 2,
          reported: 'prepare_promotion',
          goal: 'secondary',
          facts: { epoch: 1, promise: { epoch: 2, tli: 1, lsn: 1000n } },
        },
      ],
    }),
    book,
  );
  expect(group.nodes.map(({ goal }) => goal)).toEqual(['draining', 'prepare_promotion']);
});

test('so does one for which a standby has promised, and died before it could say what it has', () => {
  const nodes: NodeFixture[] = [
    { id: 1, reported: 'primary', facts: { epoch: 1 } },
    { id: 2, reported: 'secondary', facts: { epoch: 1, promising: 2 } },
  ];
  const { group } = settle(groupFixture({ restored: true, nodes }), book);
  expect(group.nodes.map(({ goal }) => goal)).toEqual(['draining', 'report_lsn']);
});

test('the order to promote that is in the backup stands where no later epoch was given', () => {
  const promise = { epoch: 3, tli: 2, lsn: 900n };
  const group = groupFixture({
    epoch: 3,
    leader: 2,
    restored: true,
    nodes: [
      { id: 1, reported: 'demoted', goal: 'demoted', facts: { epoch: 3 } },
      { id: 2, reported: 'prepare_promotion', goal: 'wait_primary', facts: { epoch: 3, promise } },
    ],
  });
  const settled = settle(group, book);
  expect(settled.group).toMatchObject({ epoch: 3, leader: 2, restored: false });
  expect(settled.group.nodes.map(({ goal }) => goal)).toEqual(['demoted', 'wait_primary']);
});
