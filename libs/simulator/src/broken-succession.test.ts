import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { done } from '@pgaf/core/result';
import { hasNotOpened } from '@pgaf/fsm/group';
import { isSilent } from '@pgaf/fsm/health';
import { lineOf, obstacleAt, promiseOf } from '@pgaf/fsm/quorum';
import { settle } from '@pgaf/fsm/settle';
import type { Guard } from '@pgaf/plugin-api/rules';
import type { NodeSnapshot } from '@pgaf/plugin-api/snapshot';
import { expect, test, vi } from 'vitest';
import { realMachine } from './machine.js';
import { reportOfModel } from './model-report.js';
import { isCutOff, runStepOnModel } from './model-steps.js';
import { parseScenario } from './replay.js';
import { runScenario } from './run-scenario.js';
import { always, expectFound, LOST_COMMIT, withGuards } from './search-broken.js';

/** Each clause of who may follow whom, broken on purpose: the simulator finds what it is for. */
vi.setConfig({ testTimeout: 300_000 });

const { guards } = realMachine().book;

function or(name: string, other: Guard): Record<string, Guard> {
  return { [name]: (about) => guards[name]?.(about) === true || other(about) };
}

test('another leader after one that was given its epoch, and of which nothing was heard since', () => {
  const isUnheard = (leader: NodeSnapshot | null): boolean => leader !== null && hasNotOpened(leader);
  const insteadOfUnheard: Guard = ({ leader }) => isUnheard(leader);
  const unheardIsGone: Guard = ({ group, leader }) =>
    leader !== null && isUnheard(leader) && isSilent(group, leader);
  const broken = {
    ...or('leaderSeemsDown', unheardIsGone),
    ...or('electionCanSucceed', insteadOfUnheard),
    ...or('isChosen', insteadOfUnheard),
    ...or('lacksNothing', insteadOfUnheard),
    ...or('mayBePromoted', insteadOfUnheard),
    ...or('leaderIsOut', insteadOfUnheard),
  };
  expectFound(
    /without a commit acknowledged|had begun without it|still takes them/,
    withGuards(broken),
    'newLeaderIsUnseen',
  );
});

test('a node that is taken to have received what it was sent for', () => {
  const mayBePromoted: Guard = ({ group, subject }) => {
    const source = group.nodes.find(({ id }) => id === group.walSource);
    const position = promiseOf(group, source ?? subject);
    return position !== null && obstacleAt(group, subject, position) === null;
  };
  const runStep: typeof runStepOnModel = (step, context) =>
    step.do === 'fastForward' ? done : runStepOnModel(step, context);
  expectFound(LOST_COMMIT, { ...withGuards({ mayBePromoted }), runStep }, 'favoriteIsBehind');
});

test('a promotion that compares positions on whatever timelines they are', () => {
  const comparesAlone: Guard = ({ group, subject }) => {
    const { tli } = lineOf(group);
    const nodes = group.nodes.map((node) => {
      const promise = promiseOf(group, node);
      if (promise === null) return node;
      const facts = { ...node.report.facts, promise: { ...promise, epoch: group.epoch + 1, tli } };
      return { ...node, report: { ...node.report, facts } };
    });
    const own = promiseOf(group, subject);
    return own !== null && obstacleAt({ ...group, nodes }, subject, { ...own, tli }) === null;
  };
  const broken = {
    mayBePromoted: comparesAlone,
    isChosen: comparesAlone,
    lacksNothing: always,
    electionCanSucceed: always,
  };
  expectFound(LOST_COMMIT, withGuards(broken), 'someAreAhead');
});

/** A keeper that promises as if nobody had opened its standby for writes. */
const promisesNevertheless: typeof reportOfModel = (known) => {
  const report = reportOfModel(known);
  const { memory, postgres } = known;
  const { strayed, ...facts } = report.facts;
  if (!strayed || memory.promised <= memory.epoch || !isCutOff(postgres)) return report;
  const promise = { epoch: memory.promised, tli: postgres.branch.tli, lsn: BigInt(postgres.flushed) };
  return { ...report, facts: { ...facts, promise } };
};

// Who is on a timeline that the group has not made was opened by somebody, and does not promise in the first place.
test('a higher timeline alone counts as past all that is on lower ones', () => {
  const higherIsPast: Guard = ({ group, subject }) => {
    const own = promiseOf(group, subject);
    if (own === null) return false;
    const nodes = group.nodes.map((node) => {
      const promise = promiseOf(group, node);
      if (promise === null || promise.tli >= own.tli) return node;
      const facts = { ...node.report.facts, promise: { ...promise, epoch: group.epoch + 1, lsn: 0n } };
      return { ...node, report: { ...node.report, facts } };
    });
    const { tli } = lineOf(group);
    return own.tli >= tli && obstacleAt({ ...group, nodes }, subject, { ...own, tli }) === null;
  };
  const broken = {
    mayBePromoted: higherIsPast,
    isChosen: higherIsPast,
    lacksNothing: always,
    electionCanSucceed: always,
  };
  expectFound(LOST_COMMIT, { ...withGuards(broken), report: promisesNevertheless }, 'somebodyPromotes');
});

/** What the simulator found once, on a machine that has these guards in the place of its own. */
function expectLostIn(found: string, broken: Record<string, Guard>): void {
  const text = readFileSync(join(import.meta.dirname, 'found', found), 'utf8');
  const { violation, story } = runScenario(parseScenario(text), { ...realMachine(), ...withGuards(broken) });
  expect(violation?.what, story.join('\n')).toMatch(LOST_COMMIT);
}

/** The guard, asked about a group whose operator has accepted what may be lost. */
function whereLossIsAccepted(name: string): Guard {
  return (about) => guards[name]?.({ ...about, group: { ...about.group, switchoverForced: true } }) === true;
}

const losing: Record<string, Guard> = {
  mayBePromoted: whereLossIsAccepted('mayBePromoted'),
  isChosen: whereLossIsAccepted('isChosen'),
  lacksNothing: whereLossIsAccepted('lacksNothing'),
  othersMayHaveMore: whereLossIsAccepted('othersMayHaveMore'),
};

test.each([
  'a-leader-is-given-up-before-it-began-while-the-primary-before-it-is-down.json',
  'a-leader-is-given-up-before-it-began-while-a-standby-is-back-that-has-less.json',
])('a primary that was killed, and is forgotten when its successor is removed by force: %s', (found) => {
  expectLostIn(found, losing);
});

// The primary before keeps who was asked from taking over until it has stopped; then the others are asked as well.
test('standbys that nobody has asked yet, while the primary before is still to stop, and is forgotten', () => {
  const allHavePromised: Guard = ({ group }) =>
    group.nodes.every((node) => node.goal !== 'report_lsn' || promiseOf(group, node) !== null);
  expectLostIn('a-leader-of-a-restored-monitor-is-given-up-while-the-primary-before-it-is-to-stop.json', {
    ...losing,
    allHavePromised,
  });
});

test('a monitor that believes the backup that it was restored from', () => {
  const believes: typeof settle = (group, book) => settle({ ...group, restored: false }, book);
  expectFound(
    /after epoch \d+ had begun|still takes them|no edge leads/,
    { settle: believes },
    'monitorIsRestored',
  );
});
