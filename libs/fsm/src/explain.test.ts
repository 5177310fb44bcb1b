import { expect, test } from 'vitest';
import { explain, type Explanation } from './explain.js';
import { commandOf, textOfNode, textOfOutlook, textOfRemedy } from './explain-text.js';
import {
  groupFixture,
  HOST_DOWN,
  HOST_SILENT,
  type GroupFixture,
  type NodeFixture,
} from './group-fixture.js';
import { baseRuleBook } from './rule-book.js';

const book = baseRuleBook();
const anyOf = (required: number, ...members: number[]) => [{ version: 1, required, members }];

function explained(nodes: readonly NodeFixture[], more: Partial<GroupFixture> = {}): Explanation {
  return explain(groupFixture({ nodes, ...more }), book);
}

/** What each way consists of, such as `start 2`. */
function ways({ outlook }: Explanation): string[] {
  const all = outlook.tag === 'possible' ? [] : outlook.ways;
  return all.map((way) =>
    way.map((remedy) => ('node' in remedy ? `${remedy.do} ${remedy.node}` : remedy.do)).join(', '),
  );
}

test('a healthy pair can fail over, and waits for nothing', () => {
  const explanation = explained([
    { id: 1, reported: 'primary' },
    { id: 2, reported: 'secondary' },
  ]);
  expect(explanation.outlook).toEqual({ tag: 'possible', node: 2 });
  expect(explanation.nodes.map(({ waitsFor }) => waitsFor)).toEqual([null, null]);
  expect(textOfOutlook(explanation)).toBe(
    'A failover is possible: if node 1 "node_1" (127.0.0.1:5501) were lost now, ' +
      'node 2 "node_2" (127.0.0.1:5502) would take over.',
  );
});

test('of three, it names the one that would be elected, after a fast-forward too', () => {
  const explanation = explained(
    [
      { id: 1, reported: 'primary', lsn: 3000n },
      { id: 2, reported: 'secondary', lsn: 3000n, priority: 10 },
      { id: 3, reported: 'secondary', lsn: 2000n, priority: 90 },
    ],
    { inForce: anyOf(1, 2, 3) },
  );
  expect(explanation.outlook).toEqual({ tag: 'possible', node: 3 });
});

test('a standby that is silent is to be started', () => {
  const explanation = explained([
    { id: 1, reported: 'wait_primary' },
    { id: 2, reported: 'secondary', goal: 'catchingup', ...HOST_SILENT },
  ]);
  expect(ways(explanation)).toEqual(['start 2']);
  expect(explanation.nodes[1]).toMatchObject({ waitsFor: { for: 'report' }, since: 990_000 });
  expect(explanation.nodes[0]?.waitsFor).toEqual({ for: 'standby' });
  expect(textOfOutlook(explanation)).toContain('nobody would take over');
});

test('with one of two quorum standbys lost, no majority is left: it is to be started, or dropped', () => {
  const explanation = explained(
    [
      { id: 1, reported: 'primary' },
      { id: 2, reported: 'secondary' },
      { id: 3, reported: 'secondary', goal: 'catchingup', ...HOST_DOWN },
    ],
    { inForce: anyOf(1, 2, 3), numberSyncStandbys: 1 },
  );
  expect(explanation.nodes[2]?.waitsFor).toEqual({ for: 'health' });
  expect(ways(explanation)).toEqual(['connect 3', 'drop 3']);
});

test('an asynchronous primary is made synchronous by whom it does not wait for', () => {
  const none = anyOf(0);
  const nodes = (quorum: boolean, reported: 'secondary' | 'catchingup'): NodeFixture[] => [
    { id: 1, reported: reported === 'secondary' ? 'primary' : 'wait_primary', lsn: 50_000n },
    { id: 2, reported, quorum, lsn: 1000n },
  ];
  expect(ways(explained(nodes(false, 'secondary'), { inForce: none }))).toEqual(['joinQuorum 2']);
  const late = explained(nodes(true, 'catchingup'), { inForce: none });
  expect(ways(late)).toEqual(['await 2']);
  expect(late.nodes[1]?.waitsFor).toEqual({ for: 'wal', bytes: 49_000 });
});

test('a setting that is not confirmed yet is waited for', () => {
  const inForce = [...anyOf(0), { version: 2, required: 1, members: [2] }];
  const explanation = explained(
    [
      {
        id: 1,
        reported: 'wait_primary',
        goal: 'primary',
        facts: { waitingFor: 'a checkpoint is under way' },
      },
      { id: 2, reported: 'secondary' },
    ],
    { inForce },
  );
  expect(ways(explanation)).toEqual(['awaitSetting 1']);
  expect(explanation.nodes[0]?.waitsFor).toEqual({ for: 'keeper', because: 'a checkpoint is under way' });
});

test('somebody else’s value of synchronous_standby_names is to go, whatever else is well', () => {
  const explanation = explained(
    [
      { id: 1, reported: 'primary', facts: { epoch: 1, overriddenSetting: 1 } },
      { id: 2, reported: 'secondary' },
    ],
    { inForce: [...anyOf(1, 2), { version: 2, required: 0, members: [] }] },
  );
  expect(ways(explanation)).toEqual(['mendSetting 1']);
});

test('where nobody may be elected, somebody is to be', () => {
  const explanation = explained([
    { id: 1, reported: 'primary' },
    { id: 2, reported: 'secondary', priority: 0 },
  ]);
  expect(ways(explanation)).toEqual(['raisePriority 2']);
  const [remedy] = explanation.outlook.tag === 'impossible' ? (explanation.outlook.ways[0] ?? []) : [];
  if (!remedy) return expect.fail('no remedy');
  expect(commandOf(explanation.group, remedy)).toBe('pgaf set node candidate-priority 50 --name node_2');
});

test('a pause is to end, of every node that is paused', () => {
  const paused = [1, 2].map((id): NodeFixture => ({
    id,
    reported: id === 1 ? 'primary' : 'secondary',
    paused: true,
  }));
  expect(ways(explained(paused))).toEqual(['resume 1, resume 2']);
});

test('a maintenance is to end, also of a node that is stopped meanwhile', () => {
  const explanation = explained(
    [
      { id: 1, reported: 'wait_primary' },
      { id: 2, reported: 'maintenance', running: false, seen: { health: 'bad', refused: true } },
    ],
    { inForce: anyOf(0) },
  );
  expect(ways(explanation)).toEqual(['endMaintenance 2']);
  expect(explanation.nodes[1]?.waitsFor).toEqual({ for: 'operator' });
});

test('a single node needs another one', () => {
  const explanation = explained([{ id: 1, reported: 'single' }], { inForce: anyOf(0) });
  expect(ways(explanation)).toEqual(['addStandby']);
  expect(explanation.nodes[0]?.waitsFor).toBeNull();
});

test('a standby that hears nothing of its primary is apart from it', () => {
  const explanation = explained(
    [
      { id: 1, reported: 'wait_primary' },
      { id: 2, reported: 'catchingup', facts: { quietFor: 8000 } },
    ],
    { inForce: anyOf(0) },
  );
  expect(ways(explanation)).toEqual(['reconnect 2']);
});

test('a lost primary that is proved down is replaced; one that is silent once its lease is over', () => {
  const standby: NodeFixture = { id: 2, reported: 'secondary' };
  const upstream = { node: 1, streaming: false, closed: true, refused: true };
  const witness: NodeFixture = { ...standby, facts: { upstream } };
  expect(explained([{ id: 1, reported: 'primary', ...HOST_DOWN }, witness]).outlook).toEqual({
    tag: 'underWay',
    node: 2,
    waitsFor: null,
    ways: [],
  });
  const silent = explained([
    { id: 1, reported: 'primary', ...HOST_SILENT, silentFor: 3, facts: { lease: 4000 } },
    standby,
  ]);
  expect(silent.outlook).toEqual({
    tag: 'underWay',
    node: 2,
    waitsFor: { tag: 'lease', until: 1_002_500 },
    ways: [],
  });
  expect(textOfOutlook(silent)).toContain(
    'once the lease of node 1 "node_1" (127.0.0.1:5501) is over, in 2.5 s',
  );
});

test('a primary whose keeper alone is silent is started, or stopped for good', () => {
  const explanation = explained([
    { id: 1, reported: 'primary', ...HOST_SILENT, seen: { health: 'good' }, facts: { lease: 4000 } },
    { id: 2, reported: 'secondary' },
  ]);
  expect(explanation.outlook).toMatchObject({ tag: 'underWay', node: 2, waitsFor: { tag: 'answers' } });
  expect(ways(explanation)).toEqual(['start 1', 'stop 1']);
  expect(textOfOutlook(explanation)).toContain('still answers the monitor');
});

test('a primary that a standby hears is no lost one', () => {
  const upstream = { node: 1, streaming: true, closed: false, refused: false };
  const explanation = explained([
    { id: 1, reported: 'primary', ...HOST_SILENT, facts: { lease: 4000 } },
    { id: 2, reported: 'secondary', facts: { upstream, quietFor: 100 } },
  ]);
  expect(explanation.outlook).toMatchObject({ waitsFor: { tag: 'hears', node: 2 } });
});

test('a lost asynchronous primary is to come back, or is given up', () => {
  const explanation = explained(
    [
      { id: 1, reported: 'wait_primary', ...HOST_DOWN },
      { id: 2, reported: 'catchingup' },
    ],
    { inForce: anyOf(0) },
  );
  expect(ways(explanation)).toEqual(['connect 1', 'acceptLoss']);
  expect(explanation.waiting.join()).toContain('commits may have been acknowledged that no standby has');
});

test('an election names the node that it waits for', () => {
  const explanation = explained(
    [
      { id: 1, reported: 'primary', goal: 'draining', ...HOST_DOWN, facts: { lease: 4000 } },
      { id: 2, reported: 'report_lsn', facts: { promise: { epoch: 2, tli: 1, lsn: 1000n } } },
      { id: 3, reported: 'secondary', goal: 'report_lsn', ...HOST_SILENT },
    ],
    { inForce: anyOf(1, 2, 3) },
  );
  expect(ways(explanation)).toEqual(['start 3', 'connect 1']);
  expect(explanation.nodes[1]?.waitsFor).toEqual({ for: 'election' });
});

test('a lost primary that held itself to no lease proves nothing by its silence', () => {
  const explanation = explained([
    { id: 1, reported: 'primary', ...HOST_SILENT },
    { id: 2, reported: 'secondary' },
  ]);
  expect(explanation.outlook).toMatchObject({ tag: 'underWay', waitsFor: { tag: 'unproved' } });
  expect(ways(explanation)).toEqual(['start 1', 'acceptLoss']);
});

test('a primary whose keeper vouches for it is not replaced, though it does not answer the monitor', () => {
  const explanation = explained([
    { id: 1, reported: 'primary', seen: { health: 'bad', healthSince: 980_000 }, facts: { lease: 4000 } },
    { id: 2, reported: 'secondary' },
  ]);
  expect(explanation.outlook).toMatchObject({ tag: 'underWay', waitsFor: { tag: 'vouched' } });
  expect(ways(explanation)).toEqual(['connect 1', 'stop 1']);
});

test('a paused group whose primary was stopped by hand is resumed', () => {
  const explanation = explained([
    { id: 1, reported: 'primary', running: false, paused: true, facts: { paused: true } },
    { id: 2, reported: 'secondary' },
  ]);
  expect(ways(explanation)).toEqual(['resume 1']);
  expect(explanation.nodes[0]?.waitsFor).toEqual({ for: 'resume' });
});

test('a monitor from a backup waits for the nodes that it has not heard', () => {
  const explanation = explained([
    { id: 1, reported: 'primary', facts: { epoch: 3 } },
    { id: 2, reported: 'secondary', seen: { session: 'unknown' } },
  ]);
  expect(ways(explanation)).toEqual(['start 2']);
});

test('what a keeper waits for is in its own words', () => {
  const refused = 'password authentication failed for user "pgautofailover_replicator"';
  const explanation = explained(
    [
      { id: 1, reported: 'wait_primary' },
      { id: 2, reported: 'catchingup', goal: 'secondary', facts: { waitingFor: refused } },
    ],
    { inForce: anyOf(0) },
  );
  const [, standby] = explanation.nodes;
  if (!standby) return expect.fail('no standby');
  expect(textOfNode(standby)).toBe(`catchingup, told to be secondary, waits for its keeper: ${refused}`);
  expect(textOfRemedy(explanation.group, { do: 'await', node: 2 })).toContain(refused);
});

test('what is typed is quoted for the shell', () => {
  const group = groupFixture({ nodes: [{ id: 1, reported: 'primary' }] });
  const named = {
    ...group,
    formation: { ...group.formation, id: "it's here" },
    nodes: group.nodes.map((node) => ({ ...node, name: 'the first; one' })),
  };
  expect(commandOf(named, { do: 'resume', node: 1 })).toBe(
    `pgaf resume --name 'the first; one' --formation 'it'\\''s here'`,
  );
  expect(commandOf(named, { do: 'acceptLoss' })).toBe(
    `pgaf perform failover --allow-data-loss --formation 'it'\\''s here'`,
  );
});

test('a read replica cannot take over, and nobody is told to have it elected', () => {
  const replica: NodeFixture = {
    id: 2,
    reported: 'secondary',
    priority: 0,
    quorum: false,
    cluster: 'reports',
  };
  const none = { inForce: anyOf(0) };
  expect(ways(explained([{ id: 1, reported: 'primary' }, replica], none))).toEqual(['addStandby']);
  const lost = explained([{ id: 1, reported: 'primary', ...HOST_DOWN }, replica], none);
  expect(ways(lost)).toEqual(['connect 1']);
  expect(lost.waiting.join()).toContain('read replica');
  expect(explained([replica], { ...none, leader: null }).waiting).toEqual([
    'the group has no primary: what only it had was given up, and only read replicas are left, which cannot take over',
  ]);
});
