import { done, retry, type Outcome } from '@pgaf/core/result';
import { promote, writtenTimeline } from '@pgaf/postgres/promote';
import { clearStandbyMode } from '@pgaf/postgres/standby';
import { leftAt, reserveTimelines } from '@pgaf/postgres/timeline-history';
import type { Situation } from '../situation.js';
import { refuseHalfRewound } from './data-directory.js';
import { disownOldTimeline, leaveOldTimeline, promiseOfEpoch } from './own-timeline.js';
import { keepUnpromotedInRecovery } from './recovery-mode.js';
import { whatMustHold } from '../what-must-hold.js';
import type { StepContext } from './step-context.js';
import { setSyncStandbys, writeAssignedSetting } from './sync-standbys.js';

/**
 * Leaves recovery for the epoch that was ordered, which is on disk by now; nothing when that was done already.
 * The first setting of the epoch stands before the first write.
 */
export async function promoteNode(context: StepContext): Promise<Outcome> {
  const { situation, signal } = context;
  const { instance, config, state } = situation;
  if (state.promoted?.epoch === state.epoch || (await opensAgain(situation))) return done;
  if (!situation.mayOpen()) return retry(situation.openingWaitsFor());
  await leaveOldTimeline(context);
  if (!instance.isRunning()) {
    refuseHalfRewound(situation);
    await keepUnpromotedInRecovery(situation);
    await instance.start(signal);
  }
  await reserveTimelines(config.pgdata, highestTimelineMade(situation));
  if ((await writeAssignedSetting(situation)) === 'changed') await setSyncStandbys(context);
  const promotion = await promote(instance.sql, config.pgdata, signal);
  if (promotion === null) {
    situation.log.warn('Postgres is restarted: its recovery does not end');
    await instance.stop({ mode: 'immediate', signal });
    return retry('the recovery of Postgres did not end, and is begun anew');
  }
  const { timeline, history, intact } = promotion;
  if (!intact) {
    situation.log.warn('Postgres is restarted: nobody saw its recovery end in good order');
    await instance.stop({ mode: 'immediate', signal });
    // Whatever was to hold of a standby meanwhile may have put the signal back, and it would be one again.
    await clearStandbyMode(config.pgdata);
    await instance.start(signal);
    if ((await writtenTimeline(instance.sql)) !== timeline)
      return retry(`Postgres does not write timeline ${timeline} after its restart`);
  }
  const before = situation.assignment?.lineage.findLast(({ epoch }) => epoch < state.epoch);
  const own = await disownOldTimeline(situation, timeline, history);
  const left = own === 'rightful' ? leftAt(history, before?.tli ?? timeline) : promiseOfEpoch(situation)?.lsn;
  const switchpoint = left ?? 0n;
  const promoted = { epoch: state.epoch, tli: timeline, switchpoint };
  situation.remember({ promoted, tli: timeline, stopped: null, strayed: false, orderTakenBack: false });
  return done;
}

/** A leader that stopped goes on on the timeline that it wrote. */
async function opensAgain({ instance, state, assignment }: Situation): Promise<boolean> {
  if (whatMustHold(state.current) !== 'stopped' || !instance.isRunning()) return false;
  const timeline = await writtenTimeline(instance.sql);
  const written = [state.promoted, ...(assignment?.lineage ?? [])];
  return written.some((made) => made !== null && made.tli === timeline && made.epoch < state.epoch);
}

/** By any node of the group before; one that was lost at once may have made one that nobody was told of. */
function highestTimelineMade({ assignment, state }: Situation): number {
  const last = assignment?.lineage.findLast(({ epoch }) => epoch < state.epoch);
  return last ? last.tli + (state.epoch - 1 - last.epoch) : 0;
}
