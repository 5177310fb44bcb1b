import type { Milliseconds } from '@pgaf/core/durations';
import { FAST_STOP_ON_THE_WAY } from '@pgaf/core/fast-stop';
import { done, retry, type Outcome } from '@pgaf/core/result';
import { handsOver } from '@pgaf/core/states';
import { abandonFilling } from '@pgaf/postgres/fill-directory';
import type { StopOptions } from '@pgaf/postgres/stop-postmaster';
import { requireSameMajor } from '@pgaf/postgres/version-findings';
import { pause } from '../pause.js';
import { QUICK_ATTEMPTS, pauseBeforeStart, postgresIsUp, startFailed } from '../restart-attempts.js';
import type { Situation } from '../situation.js';
import type { KeeperState } from '../state-file.js';
import { steadyNow } from '../steady-clock.js';
import { noteStrayBeforeStart } from '../stray.js';
import { whatMustHold } from '../what-must-hold.js';
import { endOrphans, refuseHalfRewound } from './data-directory.js';
import { canBeTakenBack, mend } from './mend.js';
import { keepUnpromotedInRecovery } from './recovery-mode.js';
import { writeFiles } from './settings.js';
import type { StepContext } from './step-context.js';

/** A process that was killed has usually ended in less. */
const LEAVE_DOOMED_AFTER: Milliseconds = 1000;

export async function startPostgres(context: StepContext): Promise<Outcome> {
  const { situation, signal } = context;
  const { instance, state } = situation;
  if (state.stopped && state.epoch < state.stopped.belowEpoch) {
    return retry(`Postgres stays stopped below epoch ${state.stopped.belowEpoch}`);
  }
  if (instance.isRunning() && !state.paused && (await canBeTakenBack(context)))
    await instance.stop({ mode: 'fast', signal });
  if (instance.isRunning() && situation.observation !== null && state.stopped === null) return done;
  if (!instance.isRunning()) await pause(pauseBeforeStart(situation.attempts), signal);
  const opens = whatMustHold(state.goal) === 'writable' && !instance.isRunning();
  const closed = opens && !situation.mayOpen();
  if (closed && !situation.mayBeProved()) return retry(situation.openingWaitsFor());
  if (!instance.isRunning()) situation.closedAt = closed ? steadyNow() : null;
  if (situation.fencing) return retry('Postgres is being stopped, as the lease is over');
  await endOrphans(context);
  await abandonFilling(situation.config.pgdata);
  await noteStrayBeforeStart(situation);
  const mended = await mend(context);
  if (mended.tag !== 'done') return mended;
  if (!instance.isRunning()) refuseHalfRewound(situation);
  await writeFiles(situation);
  await keepUnpromotedInRecovery(situation);
  // From here on the fact "stopped" may be false, so it must be gone before.
  situation.remember({ stopped: null, orderTakenBack: false });
  if (whatMustHold(state.goal) === 'writable' && situation.opensByForce()) {
    situation.log.warn(
      'Postgres is opened by force: nobody has confirmed that this node is still the primary',
    );
    situation.remember({ forcedAt: new Date().toISOString() });
  }
  for (;;) {
    if (signal.aborted) return retry('the start was given up');
    if (opens && !closed && !situation.mayOpen()) return retry(situation.openingWaitsFor());
    try {
      await situation.readingHba(() => instance.start(signal));
      situation.attempts = postgresIsUp(situation.attempts, instance.ranFor());
      return done;
    } catch (error) {
      if (signal.aborted) return retry('the start was given up');
      const reason = error instanceof Error ? error.message : String(error);
      situation.attempts = startFailed(situation.attempts, performance.now());
      situation.log.warn(`Postgres did not start, attempt ${situation.attempts.failed}`, { error });
      await requireSameMajor(situation.config.bindir, situation.config.pgdata);
      if (situation.attempts.failed >= QUICK_ATTEMPTS) return retry(reason);
    }
  }
}

export async function stopPostgres({ situation, part, signal }: StepContext): Promise<Outcome> {
  const { instance, state } = situation;
  const isReplaced = situation.isReplaced();
  if (state.goal === 'dropped' && instance.isRunning() && !isReplaced) await part.drop(signal);
  if (situation.observation?.inRecovery) situation.streamCutAt = performance.now();
  const cutAtOnce = situation.laggards;
  // Who is replaced already lets nobody get on who waits for a standby, as a fast stop does; who does not answer could
  // neither write a checkpoint nor send the last of its WAL.
  const manner: StopOptions =
    state.goal === 'demoted' || isReplaced || situation.hangs()
      ? { mode: 'immediate' }
      : { mode: 'fast', immediateAfterMs: FAST_STOP_ON_THE_WAY, cutAtOnce };
  // Its clients wait for its successor, which waits for its word.
  const until = handsOver(state.goal) ? 'shut down' : 'gone';
  // Who is killed serves nobody, which is all that the others wait for. What touches the files waits for its end.
  const leaveDoomedAfterMs = whatMustHold(state.goal) === 'stopped' ? LEAVE_DOOMED_AFTER : undefined;
  const stopped = await instance.stop({ ...manner, until, leaveDoomedAfterMs, signal });
  if (stopped === 'doomed')
    situation.log.warn('Postgres was killed, and its processes end when the disk that they wait for answers');
  situation.laggards = [];
  return done;
}

/** Swears that Postgres stays stopped for the rest of this epoch; on disk before anybody hears of it. */
export async function recordStop({ situation }: StepContext): Promise<Outcome> {
  if (situation.instance.isRunning()) return retry('Postgres is running');
  situation.remember({ stopped: await oathOfStop(situation) });
  return done;
}

/** What a node whose Postgres has stopped can swear. */
export async function oathOfStop({
  instance,
  state,
}: Situation): Promise<NonNullable<KeeperState['stopped']>> {
  // A data directory that is beyond reading has stopped as well.
  const finalLsn = instance.leftDoomed ? null : await instance.finalLsn().catch(() => null);
  return { belowEpoch: Math.max(state.epoch + 1, state.stopped?.belowEpoch ?? 0), finalLsn };
}
