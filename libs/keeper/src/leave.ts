import type { Milliseconds } from '@pgaf/core/durations';
import { FAST_STOP } from '@pgaf/core/fast-stop';
import { canTakeWrites, handsOver, type State } from '@pgaf/core/states';
import { canBeHandedOver, monitorIsAway, standbysMayTake } from '@pgaf/fsm/farewell';
import { FailingReports } from './failing-reports.js';
import { reportOf, takeAssignment } from './heartbeat.js';
import { pause } from './pause.js';
import type { Observation } from '@pgaf/postgres/observe';
import type { Situation } from './situation.js';
import { steadyNow } from './steady-clock.js';
import { oathOfStop } from './steps/postmaster.js';
import type { StopManner } from './stop-manner.js';

const LAST_REPORT: Milliseconds = 1000;
const REPORT_AGAIN: Milliseconds = 50;
const READING: Milliseconds = 1000;

/**
 * What a keeper does last. `manner` may become stronger meanwhile; `atOnce` aborts when it is `immediate`; `since` tells
 * for how long it has been leaving.
 */
export async function leave(
  situation: Situation,
  manner: () => StopManner,
  atOnce: AbortSignal,
  since: Milliseconds,
): Promise<void> {
  const { instance } = situation;
  if (manner() === 'handOff' || (manner() === 'orderly' && situation.state.paused)) {
    if (manner() === 'orderly') situation.log.info('This node is paused, so Postgres goes on');
    await instance.release();
    return;
  }
  situation.leaving = true;
  const { observation } = situation;
  if (!atOnce.aborted) {
    const cutStreamsAfterMs = standbysMayTake(since);
    await instance
      .stop({ mode: 'fast', immediateAfterMs: FAST_STOP, cutStreamsAfterMs, signal: atOnce })
      .catch((error: unknown) => {
        if (!atOnce.aborted) throw error;
      });
  }
  if (atOnce.aborted) await instance.stop({ mode: 'immediate' });
  situation.observation = null;
  if (manner() === 'quick') return;
  const { nodeId, current, goal } = situation.state;
  const others = situation.assignment !== null && canBeHandedOver(nodeId, situation.assignment);
  if (canTakeWrites(current) && others) {
    if (atOnce.aborted) await swearWhereWalEnds(situation, observation);
    else if (handsOver(goal)) situation.remember({ stopped: await oathOfStop(situation), current: goal });
  }
  await within(LAST_REPORT, (over) => tell(situation, over));
}

/**
 * A primary that was stopped at once tells as much, so that another may take over before anybody has to find that it
 * is gone. Nothing is sworn by one that was not seen to take writes.
 */
async function swearWhereWalEnds(situation: Situation, seen: Observation | null): Promise<void> {
  const oath = await oathOfStop(situation);
  const { goal } = situation.state;
  const current: State = handsOver(goal) ? goal : 'draining';
  if (oath.finalLsn !== null) return situation.remember({ stopped: oath, current });
  if (!seen || seen.inRecovery) return;
  const finalLsn = await within(READING, () =>
    situation.instance.endOfWal({ lsn: seen.lsn, timeline: seen.timeline }).catch((error: unknown) => {
      situation.log.warn('The end of the WAL is not found', { error });
      return null;
    }),
  );
  situation.remember({
    stopped: { ...oath, finalLsn: finalLsn ?? null, cutShort: true },
    current,
  });
}

/** Until it has been heard; a monitor that is away, or the end of the time, ends it. */
async function tell(situation: Situation, over: AbortSignal): Promise<void> {
  const reports = new FailingReports();
  for (;;) {
    try {
      const sent = { at: steadyNow(), lease: situation.leaseToHold() };
      const assignment = await situation.monitor.report(reportOf(situation));
      if (!over.aborted) takeAssignment(situation, assignment, sent);
      return;
    } catch (error) {
      if (over.aborted) return;
      reports.failed();
      if (monitorIsAway(reports.failedFor)) {
        situation.log.warn('The monitor does not hear that this node stops', { error });
        return;
      }
      await pause(REPORT_AGAIN, over);
    }
  }
}

/** Undefined when the time was over first; the signal that the work is given tells it so. */
async function within<T>(
  limit: Milliseconds,
  work: (over: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([work(over.signal), pause(limit, over.signal).then(() => undefined)]);
  } finally {
    over.abort();
  }
}
