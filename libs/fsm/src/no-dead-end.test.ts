import type { State } from '@pgaf/core/states';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { groupFixture, type NodeFixture } from './group-fixture.js';
import { baseRuleBook } from './rule-book.js';
import { comeToRest, isWhole, statesOf } from './untroubled-group.js';
import type { GroupSnapshot, KeeperFacts, SyncSetting } from './vocabulary.js';

/**
 * Whatever state a group is found in, it becomes whole when nothing goes wrong any more. The simulator reaches such states
 * one in thousands of runs; here they are put together from what each node may be in.
 */
const book = baseRuleBook();
const EPOCH = 1;
/** Where the leader stopped, and where a standby is that lacks the last of it. */
const END = 1000n;
const SHORT = 900n;
/** Where timeline 1 was left. */
const LEFT_AT = 950n;

type Part = Omit<NodeFixture, 'id'>;

const promised = (lsn: bigint): KeeperFacts => ({ epoch: EPOCH, promise: { epoch: EPOCH + 1, tli: 2, lsn } });

const node = (reported: State, goal: State = reported): Part[] =>
  [SHORT, END].map((lsn) => ({ reported, goal, lsn, tli: 2, facts: { epoch: EPOCH } }));

const thatPromised = (reported: State, goal: State = reported): Part[] =>
  node(reported, goal).map((part) => ({ ...part, facts: promised(part.lsn ?? 0n) }));

const FOLLOWERS: readonly Part[] = [
  ...node('secondary'),
  ...node('catchingup'),
  ...node('join_secondary'),
  // They wait for a stream.
  ...node('catchingup', 'secondary'),
  ...node('join_secondary', 'secondary'),
  ...node('maintenance'),
  ...node('maintenance', 'catchingup'),
  ...node('wait_maintenance'),
  // Leaders of the epoch before, with and without WAL that the group left behind.
  ...[SHORT, END].map((lsn): Part => ({ reported: 'demoted', lsn, tli: 1, running: false })),
  ...[SHORT, END].map((lsn): Part => ({ reported: 'demoted', goal: 'catchingup', lsn, running: false })),
  { reported: 'wait_standby', lsn: 0n, tli: 0, running: false },
  { reported: 'wait_standby', goal: 'catchingup', lsn: 0n, tli: 0, running: false },
];

const PROMISING: readonly Part[] = [
  ...thatPromised('report_lsn'),
  ...thatPromised('prepare_promotion'),
  ...thatPromised('fast_forward'),
  ...thatPromised('report_lsn', 'fast_forward'),
];

/** They promised for an epoch that was given away, and were told to promise anew before they heard of that. */
const OUTDATED: readonly Part[] = [...node('report_lsn'), ...node('prepare_promotion')];

/** They were told to follow a leader, and did not before it was given up. */
const TOLD_TO_FOLLOW: readonly Part[] = [
  ...node('report_lsn', 'join_secondary'),
  ...node('prepare_promotion', 'join_secondary'),
];

/** They lagged behind, and received nothing of the timeline that the last promotion made, nor where it began. */
const LEFT_BEHIND: readonly Part[] = [
  ...thatPromised('report_lsn'),
  ...thatPromised('prepare_promotion'),
  ...node('secondary'),
  ...node('catchingup'),
  ...node('join_secondary'),
].map((part): Part => {
  const promise = part.facts?.promise && { ...part.facts.promise, tli: 1 };
  return { ...part, tli: 1, facts: { ...part.facts, ...(promise && { promise }) } };
});

/** Leaders of the last epoch that were given up, and that came back as they were left: with no word of where they ended. */
const GIVEN_UP: readonly Part[] = node('demoted').map((part) => ({ ...part, running: false }));

const STOPPED_LEADERS: readonly Part[] = (['draining', 'prepare_maintenance', 'dropped'] as const).flatMap(
  (reported) =>
    [
      { belowEpoch: EPOCH + 1, finalLsn: END },
      { belowEpoch: EPOCH + 1, finalLsn: null },
      { belowEpoch: EPOCH + 1, finalLsn: END, cutShort: true as const },
    ].map((stopped) => ({ reported, running: false, facts: { epoch: EPOCH, stopped }, lsn: END, tli: 2 })),
);

const LEADERS_THAT_WRITE: readonly Part[] = [
  ...node('wait_primary'),
  ...node('primary'),
  ...node('apply_settings'),
  ...node('primary', 'wait_primary'),
];

const KINDS = [
  { priority: 50, quorum: true },
  { priority: 90, quorum: true },
  { priority: 0, quorum: true },
  { priority: 50, quorum: false },
];

function groupOf(leader: Part | null, followers: readonly Part[], syncs: readonly number[]): GroupSnapshot {
  const nodes = [...(leader ? [leader] : []), ...followers].map((part, index) => ({
    ...part,
    id: index + (leader ? 1 : 2),
  }));
  const members = nodes.filter(({ id, quorum }) => id > 1 && quorum !== false).map(({ id }) => id);
  const inForce = syncs.map((sync, index): SyncSetting => {
    const required = Math.min(sync, members.length);
    return { version: index + 1, required, members: required > 0 ? members : [] };
  });
  const group = groupFixture({
    epoch: EPOCH,
    leader: leader ? 1 : null,
    inForce,
    numberSyncStandbys: Math.max(0, Math.min(syncs.at(-1) ?? 0, members.length - 1)),
    nodes,
  });
  const lineage = [
    { epoch: 0, tli: 1, switchpoint: null },
    { epoch: EPOCH, tli: 2, switchpoint: LEFT_AT },
  ];
  return { ...group, lineage };
}

function expectWhole(group: GroupSnapshot): void {
  const rest = comeToRest(group, book);
  if (!isWhole(rest.group)) expect.fail([statesOf(group), ...rest.story].join('\n'));
}

const follower = (parts: readonly Part[]) =>
  fc
    .tuple(fc.constantFrom(...parts), fc.constantFrom(...KINDS))
    .map(([part, kind]): Part => ({ ...part, ...kind }));
const settings = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 2 });
const RUNS = { numRuns: 400 };
const TIMEOUT = 60_000;

test(
  'a group whose leader has stopped',
  () => {
    const followers = fc.array(follower([...FOLLOWERS, ...PROMISING, ...OUTDATED]), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.constantFrom(...STOPPED_LEADERS), followers, settings, (leader, others, syncs) =>
        expectWhole(groupOf(leader, others, syncs)),
      ),
      RUNS,
    );
  },
  TIMEOUT,
);

test(
  'a group whose leader takes writes',
  () => {
    const followers = fc.array(follower(FOLLOWERS), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...LEADERS_THAT_WRITE), followers, settings, (leader, others, syncs) =>
        expectWhole(groupOf(leader, others, syncs)),
      ),
      RUNS,
    );
  },
  TIMEOUT,
);

/** Who led before and may have more is waited for; one that may not be elected, until an operator has his say. */
const isHeldUpBy = ({ reported, goal, priority, tli = 1 }: Part, candidate: Part): boolean => {
  const isWaitedFor = reported === 'demoted' && goal === undefined && priority === 0;
  const has = candidate.reported === 'demoted' ? 0n : (candidate.lsn ?? 0n);
  return isWaitedFor && tli === (candidate.tli ?? 1) && has < LEFT_AT;
};

/** A candidate that has data, and that nobody has left behind, or holds up. */
const canLead = (part: Part, _: number, others: readonly Part[]): boolean => {
  const { priority, tli = 1 } = part;
  if (priority === 0 || tli === 0) return false;
  return others.every((other) => (other.tli ?? 1) <= tli && !isHeldUpBy(other, part));
};

/** One node wrote a timeline, so nobody has more of it. */
const isPossible = (parts: readonly Part[]): boolean =>
  parts.every(
    (writer) =>
      writer.reported !== 'demoted' ||
      parts
        .filter(({ tli = 1 }) => tli === (writer.tli ?? 1))
        .every(({ lsn = 0n }) => lsn <= (writer.lsn ?? 0n)),
  );

test(
  'a group whose leader was removed by force, and that has a candidate left',
  () => {
    const parts = [...FOLLOWERS, ...PROMISING, ...OUTDATED, ...TOLD_TO_FOLLOW, ...LEFT_BEHIND, ...GIVEN_UP];
    const followers = fc.array(follower(parts), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(followers, settings, (others, syncs) => {
        fc.pre(isPossible(others) && others.some(canLead));
        expectWhole(groupOf(null, others, syncs));
      }),
      RUNS,
    );
  },
  TIMEOUT,
);
