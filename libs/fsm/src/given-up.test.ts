import { expect, test } from 'vitest';
import { explain } from './explain.js';
import { textOfRemedy } from './explain-text.js';
import { groupFixture, HOST_DOWN, type NodeFixture } from './group-fixture.js';
import { decideCommand } from './operator.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';
import type { GroupSnapshot } from './vocabulary.js';
import { whatFailoverWaitsFor } from './waiting.js';

/** A group whose leader was given the epoch 2, and was removed by force. */
const book = baseRuleBook();

function withoutLeader(...nodes: readonly NodeFixture[]): GroupSnapshot {
  const group = groupFixture({ epoch: 2, leader: null, nodes });
  const lineage = [
    { epoch: 1, tli: 1, switchpoint: null },
    { epoch: 2, tli: 2, switchpoint: 900n },
  ];
  return { ...group, lineage };
}

function goals(...nodes: readonly NodeFixture[]): Record<number, string> {
  const { group } = settle(withoutLeader(...nodes), book);
  return Object.fromEntries(group.nodes.map(({ id, goal }) => [id, goal]));
}

/** The primary of the epoch before, which handed over. */
const stopped = (lsn: bigint, change: Partial<NodeFixture> = {}): NodeFixture => ({
  id: 1,
  reported: 'demoted',
  running: false,
  lsn,
  facts: { epoch: 2, stopped: { belowEpoch: 2, finalLsn: lsn } },
  ...change,
});
const promised = (lsn: bigint, tli = 1, change: Partial<NodeFixture> = {}): NodeFixture => ({
  id: 3,
  reported: 'report_lsn',
  lsn,
  tli,
  facts: { epoch: 2, promise: { epoch: 3, tli, lsn } },
  ...change,
});

test('who stopped with more than the standbys have opens again, and none of them', () => {
  expect(goals(stopped(1000n), promised(900n))).toEqual({ 1: 'wait_primary', 3: 'join_secondary' });
  expect(goals(stopped(1000n, { goal: 'catchingup' }), promised(900n))).toMatchObject({ 1: 'wait_primary' });
  expect(goals(stopped(1000n), promised(1000n))).toMatchObject({ 3: 'prepare_promotion' });
  expect(goals(stopped(1000n, { silentFor: 60 }), promised(900n))).toMatchObject({
    3: 'prepare_promotion',
  });
});

test('a standby that followed the one that was given up has more than who led before', () => {
  expect(goals(stopped(1000n), promised(950n, 2))).toEqual({ 1: 'demoted', 3: 'prepare_promotion' });
  const away = promised(950n, 2, { silentFor: 60, seen: { health: 'bad' } });
  expect(goals(stopped(1000n), away)).toMatchObject({ 1: 'demoted' });
});

test('one of candidate priority 0 that followed it keeps the others waiting, and is named', () => {
  const group = withoutLeader(stopped(1000n), promised(950n, 2, { priority: 0 }));
  expect(settle(group, book).transitions).toEqual([]);
  expect(whatFailoverWaitsFor(group)).toEqual([
    'the group has no primary: what only it had was given up, and node 3 "node_3" (127.0.0.1:5503) alone has ' +
      'followed it to timeline 2, and has candidate priority 0',
  ]);
});

test('one of candidate priority 0 that stopped with more keeps the others waiting, and is named with both ways out', () => {
  const group = withoutLeader(stopped(1000n, { priority: 0 }), promised(900n));
  expect(settle(group, book).transitions).toEqual([]);
  expect(whatFailoverWaitsFor(group)).toEqual([
    'the group has no primary: what only it had was given up, and node 1 "node_1" (127.0.0.1:5501) stopped with more ' +
      'than any standby has, and has candidate priority 0: give it another one so that it opens again, or drop it and ' +
      'lose what only it has',
  ]);
  const raised = withoutLeader(stopped(1000n), promised(900n));
  expect(settle(raised, book).group.leader).toBe(1);
  expect(settle(withoutLeader(promised(900n)), book).group.nodes).toMatchObject([
    { goal: 'prepare_promotion' },
  ]);
});

test('a standby that is away and alone has followed it is named', () => {
  const away = promised(950n, 2, { id: 4, silentFor: 60, facts: { epoch: 2 }, seen: { health: 'bad' } });
  expect(whatFailoverWaitsFor(withoutLeader(promised(800n), away))).toEqual([
    'the group has no primary: what only it had was given up, and node 4 "node_4" (127.0.0.1:5504) alone has ' +
      'followed it to timeline 2, and is away: start it, or drop it and lose what only it has',
  ]);
});

test('a timeline that nobody followed is given up with its leader', () => {
  expect(goals(promised(1000n))).toEqual({ 3: 'prepare_promotion' });
});

test('with a timeline that nobody followed goes where it began, which a standby that lagged never reached', () => {
  expect(goals(promised(800n))).toEqual({ 3: 'prepare_promotion' });
});

/** The leader of the epoch 2, whose row an operator kept. */
const givenUp = (change: Partial<NodeFixture> = {}): NodeFixture => ({
  id: 2,
  reported: 'wait_primary',
  goal: 'demoted',
  lsn: 1100n,
  tli: 2,
  silentFor: 60,
  facts: { epoch: 2 },
  seen: { health: 'bad' },
  ...change,
});

test('a leader that was given up and is away holds up nobody by its timeline', () => {
  expect(goals(givenUp(), promised(800n))).toMatchObject({ 3: 'prepare_promotion' });
  expect(goals(givenUp({ tli: 3 }), promised(800n))).toMatchObject({ 3: 'prepare_promotion' });
  expect(goals(givenUp(), stopped(1000n, { priority: 50 }))).toMatchObject({ 1: 'wait_primary' });
});

test('a leader that was given up and comes back before anybody took over opens again, however it ended', () => {
  const back = givenUp({ reported: 'demoted', running: false, silentFor: 0, seen: {} });
  expect(goals(back, promised(800n))).toEqual({ 2: 'wait_primary', 3: 'join_secondary' });
  expect(goals(back, promised(1100n, 2))).toMatchObject({ 2: 'demoted', 3: 'prepare_promotion' });
});

test('a standby that is away and has followed a leader that was given up is waited for', () => {
  const away = promised(950n, 2, { id: 4, silentFor: 60, facts: { epoch: 2 }, seen: { health: 'bad' } });
  expect(goals(promised(800n), away)).toMatchObject({ 3: 'report_lsn' });
});

test('who was chosen before one came back that followed the leader makes way for it', () => {
  const chosen = promised(1000n, 1, { reported: 'prepare_promotion' });
  const back = promised(950n, 2, { id: 4 });
  expect(goals(chosen, back)).toEqual({ 3: 'report_lsn', 4: 'prepare_promotion' });
});

test('nobody takes over before all who are there have said what they have', () => {
  const chosen = promised(900n, 1, { id: 4, reported: 'prepare_promotion' });
  const asked: NodeFixture = { id: 3, reported: 'report_lsn', lsn: 1000n, facts: { epoch: 2 } };
  expect(goals(chosen, asked)).toEqual({ 3: 'report_lsn', 4: 'prepare_promotion' });
  const opened = { ...asked, facts: { epoch: 2, strayed: true as const } };
  expect(goals(chosen, opened)).toMatchObject({ 4: 'wait_primary' });
});

/** What explain names as ways to a primary, such as `start 2`. */
function ways(group: GroupSnapshot): string[] {
  const { outlook } = explain(group, book);
  if (outlook.tag === 'possible') return [];
  return outlook.ways.map((way) =>
    way.map((remedy) => ('node' in remedy ? `${remedy.do} ${remedy.node}` : remedy.do)).join(', '),
  );
}

test('who stopped with more and may not be elected is made a candidate, or dropped, as explain says', () => {
  const group = withoutLeader(stopped(1000n, { priority: 0 }), promised(900n));
  expect(ways(group)).toEqual(['raisePriority 1', 'drop 1']);
  expect(textOfRemedy(group, { do: 'drop', node: 1 })).toBe(
    'you give up what only node 1 "node_1" (127.0.0.1:5501) has, which is dropped: `pgaf drop node --force --name node_1`',
  );
});

test('a standby that alone followed who was given up is brought back, or dropped, as explain says', () => {
  const ahead = { id: 4, facts: { epoch: 2 } };
  const away = promised(950n, 2, { ...ahead, silentFor: 60, seen: { health: 'bad' } });
  expect(ways(withoutLeader(promised(800n), away))).toEqual(['start 4', 'drop 4']);
  const down = withoutLeader(promised(800n), promised(950n, 2, { ...ahead, running: false }));
  expect(ways(down)).toEqual(['mendPostgres 4', 'drop 4']);
  expect(whatFailoverWaitsFor(down).join()).toContain(
    'node 4 "node_4" (127.0.0.1:5504) alone has followed it to timeline 2, and is not well: mend it, or drop it',
  );
});

/** The primary of the epoch 1, which was killed: what it wrote last it has told nobody but its standbys. */
const killed = (change: Partial<NodeFixture> = {}): NodeFixture => ({
  id: 1,
  reported: 'primary',
  goal: 'demoted',
  lsn: 800n,
  facts: { epoch: 1 },
  ...HOST_DOWN,
  silentFor: 60,
  ...change,
});

/** As `withoutLeader`, but who was given the epoch 2 has not said that it began it. */
function beforeItBegan(...nodes: readonly NodeFixture[]): GroupSnapshot {
  const group = withoutLeader(...nodes);
  return { ...group, lineage: group.lineage.slice(0, 1) };
}

function orders(group: GroupSnapshot): Record<number, string> {
  return Object.fromEntries(settle(group, book).group.nodes.map(({ id, goal }) => [id, goal]));
}

test('who was given the epoch is removed by force before it began: the primary before it is waited for', () => {
  const given: NodeFixture = { id: 2, reported: 'prepare_promotion', goal: 'wait_primary', ...HOST_DOWN };
  const asked = promised(900n, 1, { quorum: false });
  const group = { ...beforeItBegan(killed(), given, asked), leader: 2 };
  const decision = decideCommand(group, { kind: 'remove_node', node: 2, force: true }, book);
  expect(decision).toMatchObject({ tag: 'accepted', settled: { removed: [2] } });
  if (decision.tag !== 'accepted') return;
  expect(decision.settled.group).toMatchObject({ epoch: 2, leader: null });
  expect(orders(decision.settled.group)).toEqual({ 1: 'demoted', 3: 'report_lsn' });
});

test('how much the killed primary said to have tells nothing: its last words came before its last commits', () => {
  expect(orders(beforeItBegan(killed(), promised(1000n)))).toMatchObject({ 3: 'report_lsn' });
  const chosen = promised(1000n, 1, { reported: 'prepare_promotion' });
  expect(orders(beforeItBegan(killed(), chosen))).toMatchObject({ 3: 'prepare_promotion' });
  expect(settle(beforeItBegan(killed(), chosen), book).epochRaised).toBe(false);
});

test('a killed primary that has heard of the next epoch before it stopped is waited for all the same', () => {
  const heard = killed({ facts: { epoch: 2 } });
  expect(orders(beforeItBegan(heard, promised(1000n)))).toMatchObject({ 3: 'report_lsn' });
  const isThere = killed({ facts: { epoch: 2 }, running: false, silentFor: 0, seen: {} });
  expect(orders(beforeItBegan(isThere, promised(1000n)))).toMatchObject({ 3: 'report_lsn' });
});

test('who has all that the next epoch began with needs no primary from before', () => {
  expect(goals(killed(), promised(900n))).toMatchObject({ 3: 'prepare_promotion' });
  expect(goals(killed(), promised(899n))).toMatchObject({ 3: 'report_lsn' });
  expect(goals(killed(), promised(950n, 2))).toMatchObject({ 3: 'prepare_promotion' });
});

test('a primary that stopped in good order and is away is waited for as long as nobody has what it ended with', () => {
  const away = stopped(1000n, { silentFor: 60 });
  expect(orders(beforeItBegan(away, promised(999n)))).toMatchObject({ 3: 'report_lsn' });
  expect(orders(beforeItBegan(away, promised(1000n)))).toMatchObject({ 3: 'prepare_promotion' });
});

test('a killed primary that comes back opens again: nobody is known to have all that it has', () => {
  const back = killed({ reported: 'demoted', running: false, silentFor: 0, seen: {}, facts: { epoch: 2 } });
  expect(orders(beforeItBegan(back, promised(1000n)))).toEqual({ 1: 'wait_primary', 3: 'join_secondary' });
  expect(goals(back, promised(900n))).toMatchObject({ 1: 'demoted', 3: 'prepare_promotion' });
});

test('a killed primary that is waited for is named, with every way out', () => {
  const group = beforeItBegan(killed(), promised(900n));
  expect(whatFailoverWaitsFor(group)).toEqual([
    'the group has no primary: what only it had was given up, and node 1 "node_1" (127.0.0.1:5501), which led before ' +
      'it, may have commits that no standby has, and is away: start it, or drop it and lose what only it has',
  ]);
  expect(ways(group)).toEqual(['start 1', 'drop 1', 'acceptLoss']);
  const reserve = beforeItBegan(killed(), promised(900n, 1, { priority: 0 }));
  expect(whatFailoverWaitsFor(reserve)).toEqual(whatFailoverWaitsFor(group));
  expect(ways(reserve)).toEqual(['start 1', 'raisePriority 3, drop 1']);
  const unwanted = killed({
    reported: 'demoted',
    running: false,
    silentFor: 0,
    seen: {},
    facts: { epoch: 2 },
    priority: 0,
  });
  const waits = beforeItBegan(unwanted, promised(900n));
  expect(settle(waits, book).transitions).toEqual([]);
  expect(whatFailoverWaitsFor(waits)).toEqual([
    'the group has no primary: what only it had was given up, and node 1 "node_1" (127.0.0.1:5501), which led before ' +
      'it, may have commits that no standby has, and has candidate priority 0: give it another one so that it opens ' +
      'again, or drop it and lose what only it has',
  ]);
  expect(ways(waits)).toEqual(['raisePriority 1', 'drop 1']);
});

test('only an order that accepts the loss goes on without it, and only where something is waited for', () => {
  const lossy = { kind: 'perform_lossy_failover' } as const;
  const decision = decideCommand(beforeItBegan(killed(), promised(900n)), lossy, book);
  expect(decision).toMatchObject({
    tag: 'accepted',
    settled: { transitions: [{ node: 3, goal: 'prepare_promotion' }] },
  });
  if (decision.tag !== 'accepted') return;
  const { group } = decision.settled;
  const nodes = group.nodes.map((node) => (node.id === 3 ? { ...node, reported: node.goal } : node));
  const after = settle({ ...group, nodes }, book);
  expect(after).toMatchObject({ epochRaised: true, group: { leader: 3, switchoverForced: false } });
  expect(decideCommand(beforeItBegan(promised(900n)), lossy, book)).toMatchObject({ tag: 'refused' });
});

test('the loss of what a leader has whose row stays is accepted with what the one before it has', () => {
  const given: NodeFixture = {
    id: 2,
    reported: 'prepare_promotion',
    goal: 'wait_primary',
    ...HOST_DOWN,
    silentFor: 60,
  };
  const group = { ...beforeItBegan(killed(), given, promised(900n)), leader: 2 };
  const decision = decideCommand(group, { kind: 'perform_lossy_failover' }, book);
  expect(decision).toMatchObject({
    tag: 'accepted',
    settled: { group: { leader: null, switchoverForced: true } },
  });
});

test('nobody is chosen beside a healthy standby that was not asked yet, as the primary before is still to stop', () => {
  const back = killed({ silentFor: 0, seen: { session: 'open', health: 'bad', healthSince: 999_900 } });
  const follows = (id: number): NodeFixture => ({
    id,
    reported: 'secondary',
    lsn: 950n,
    tli: 2,
    facts: { epoch: 2 },
  });
  const group = beforeItBegan(promised(890n), back, follows(4), follows(5));
  expect(orders(group)).toEqual({ 1: 'demoted', 3: 'report_lsn', 4: 'secondary', 5: 'secondary' });
  const sameTimeline = [4, 5].map((id) => ({ ...follows(id), tli: 1 }));
  expect(
    orders(beforeItBegan(promised(890n), { ...back, facts: { epoch: 2 } }, ...sameTimeline)),
  ).toMatchObject({
    3: 'report_lsn',
  });
  const left = beforeItBegan(promised(890n), follows(4), follows(5));
  expect(orders(left)).toEqual({ 3: 'report_lsn', 4: 'report_lsn', 5: 'report_lsn' });
});

test('a standby that is away and is known to have more is waited for, and named', () => {
  const away: NodeFixture = { id: 4, reported: 'report_lsn', lsn: 950n, ...HOST_DOWN, silentFor: 60 };
  const group = beforeItBegan(promised(900n), away);
  expect(orders(group)).toMatchObject({ 3: 'report_lsn' });
  expect(whatFailoverWaitsFor(group)).toEqual([
    'the group has no primary: what only it had was given up, and node 4 "node_4" (127.0.0.1:5504) has more than any ' +
      'standby that is there, and is away: start it, or drop it and lose what only it has',
  ]);
  expect(ways(group)).toEqual(['start 4', 'drop 4', 'acceptLoss']);
  expect(orders(beforeItBegan(promised(950n), away))).toMatchObject({ 3: 'prepare_promotion' });
});
