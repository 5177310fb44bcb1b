import type { Milliseconds } from '@pgaf/core/durations';
import { canTakeWrites, handsOver, type State } from '@pgaf/core/states';
import { leaseAnswered, leaseRenewed } from '@pgaf/fsm/held-lease';
import { acceptOrder } from '@pgaf/fsm/accept';
import { factsOf } from './facts.js';
import type { Assignment, Report, SyncSetting } from '@pgaf/monitor-client/reports';
import { sourcesInVain } from './source-tries.js';
import { reportedRunning } from './reported-running.js';
import { NO_ATTEMPTS } from './restart-attempts.js';
import type { Situation } from './situation.js';
import type { KeeperState } from './state-file.js';
import { steadyNow } from './steady-clock.js';
import { whatMustHold } from './what-must-hold.js';

/** What the node says of itself now. */
export function reportOf(situation: Situation): Report {
  const { state, observation: seen, attempts, obstacle, instance } = situation;
  const tli = Math.max(seen?.timeline ?? 0, state.tli);
  return {
    formation: state.formation,
    nodeId: state.nodeId,
    group: state.group,
    reported: state.current,
    postgresRunning: reportedRunning({
      answers: seen !== null || instance.busy !== null,
      current: state.current,
      goal: state.goal,
      attempts,
      staysDown: state.paused || situation.leaving,
      hangs: situation.hangs(),
      now: performance.now(),
    }),
    tli,
    lsn: seen?.lsn ?? 0n,
    syncState: seen?.syncState ?? '',
    facts: factsOf(state, {
      postgresAlive: instance.isRunning(),
      streams: situation.streams,
      upstream: situation.upstream,
      noWalFrom: sourcesInVain(situation.sourceTries, steadyNow()),
      lease: situation.leaseToHold(),
      leaseAsLeader: situation.config.leaseLength,
      quietFor: quietFor(situation),
      hangs: situation.hangs(),
      doomed: instance.leftDoomed,
      leaving: situation.leaving,
      abandoned: situation.abandoned,
      waitingFor:
        situation.refusal ??
        situation.doubt ??
        situation.progress ??
        obstacle?.reason ??
        (situation.hangs() ? 'Postgres runs and does not answer' : instance.busy),
      overriddenSetting: situation.overriddenSetting,
      warnings: warningsOf(situation),
      said: situation.said,
    }),
  };
}

/** Null on a node that follows nobody. */
function quietFor({ state, quiet }: Situation): Milliseconds | null {
  return whatMustHold(state.current) === 'standby'
    ? Math.max(0, Math.round(steadyNow() - quiet.since))
    : null;
}

function warningsOf({ findings }: Situation): readonly string[] | null {
  if (findings === null) return null;
  return findings.filter(({ severity }) => severity === 'warning').map(({ sentence }) => sentence);
}

/** A report as it was sent. */
export interface Sent {
  /** By the steady clock. */
  readonly at: Milliseconds;
  /** The lease that it spoke of. */
  readonly lease: Milliseconds | null;
}

/** Takes the monitor's answer to a report, or refuses it and says why; the epoch and the goal are on disk afterwards. */
export function takeAssignment(situation: Situation, assignment: Assignment, sent: Sent): void {
  const { state, log } = situation;
  if (assignment.restored) return doubt(situation);
  situation.doubt = null;
  situation.opening = 'confirmed';
  situation.lease = leaseAnswered(situation.lease, sent.lease);
  const verdict = acceptOrder(state, assignment);
  if (verdict.tag === 'refused') {
    if (situation.refusal !== verdict.reason)
      log.warn('Refused an assignment', { goal: assignment.goal, reason: verdict.reason });
    situation.refusal = verdict.reason;
    situation.grantedAt = null;
    return;
  }
  const { epoch, leader, goal } = verdict.state;
  if (goal !== state.goal) log.info(`Assigned state is "${goal}"`, { reported: state.current, epoch });
  const paused = assignment.nodes.find(({ id }) => id === state.nodeId)?.paused ?? state.paused;
  if (paused !== state.paused) notePause(situation, paused ? 'begins' : 'ends');
  situation.remember({
    epoch,
    ...(leader !== undefined && { leader }),
    goal,
    paused,
    ...positionAtOrder(situation, verdict.state),
    orderTakenBack: state.orderTakenBack || isTakenBack(state, goal),
    ...settingOf(state.setting, assignment),
  });
  situation.assignment = assignment;
  situation.refusal = null;
  situation.grantedAt = canTakeWrites(goal) ? sent.at : null;
  if (!handsOver(goal) && goal !== 'dropped') situation.abandoned = null;
  // Also one that is to stop, which it does in its own time while the monitor hears from it.
  if (assignment.leader !== state.nodeId) return;
  situation.heardAt = sent.at;
  situation.lease = leaseRenewed(situation.lease, sent.at);
}

/** The monitor was told, and orders nothing: this node goes on as while the monitor is away, with what was granted last. */
function doubt(situation: Situation): void {
  const reason = 'the monitor was restored from a backup, and orders nothing before all nodes have reported';
  if (situation.doubt === null) situation.log.warn(`This node goes on by itself: ${reason}`);
  situation.doubt = reason;
}

/**
 * A standby that is told to take over without having promised first promises by taking the order, with what it is seen to
 * have: it may have more of its WAL to replay still.
 */
function positionAtOrder(
  { state, observation: seen }: Situation,
  { epoch, goal }: KeeperState,
): Pick<KeeperState, 'promised' | 'promise'> | null {
  if (!canTakeWrites(goal) || epoch <= state.promised || epoch <= state.epoch) return null;
  if (whatMustHold(state.current) !== 'standby' || state.strayed || !seen?.inRecovery) return null;
  return { promised: epoch, promise: { epoch, tli: Math.max(seen.timeline, state.tli), lsn: seen.lsn } };
}

/** It may have been about to be promoted. */
function isTakenBack(before: KeeperState, goal: State): boolean {
  if (!canTakeWrites(before.goal) || canTakeWrites(goal)) return false;
  return whatMustHold(before.current) === 'standby' && before.promoted?.epoch !== before.epoch;
}

/** The one that is known stays when it is the same, so that nothing is written for it. */
function settingOf(
  known: SyncSetting | null,
  { setting }: Assignment,
): { readonly setting?: SyncSetting | null } {
  return setting?.version === known?.version ? {} : { setting };
}

function notePause(situation: Situation, what: 'begins' | 'ends'): void {
  if (what === 'begins') {
    situation.log.info('This node is paused: a Postgres that stops is not started again until `pgaf resume`');
    return;
  }
  situation.log.info('The pause of this node is over');
  // What was not tried has not failed.
  situation.attempts = NO_ATTEMPTS;
  situation.obstacle = null;
}
