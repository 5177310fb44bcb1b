import { done, retry, type Outcome } from '@pgaf/core/result';
import { readControlData } from '@pgaf/postgres/control-data';
import { removeForeignUpstream, resetForeignUpstream } from '@pgaf/postgres/foreign-upstream';
import { writtenTimeline } from '@pgaf/postgres/promote';
import { reload } from '@pgaf/postgres/reload';
import { clearStandbyMode, stayInRecovery, writeStandbyMode } from '@pgaf/postgres/standby';
import type { Situation } from '../situation.js';
import { noteStrayBeforeSignal, noteStrayBeforeStart } from '../stray.js';
import { whatMustHold } from '../what-must-hold.js';
import type { StepContext } from './step-context.js';
import { writeStandbySetting } from './sync-standbys.js';
import { upstreamOf } from './upstream-of.js';

/**
 * Only a promotion that came to its end takes a node out of recovery. Postgres removes standby.signal before its new
 * timeline counts: started without it, a promotion that was cut off would write on, on the old primary's timeline,
 * where nothing could tell their WAL apart any more.
 */
export async function keepUnpromotedInRecovery({ config, state }: Situation): Promise<void> {
  if (whatMustHold(state.current) !== 'standby' || state.promoted?.epoch === state.epoch) return;
  await stayInRecovery(config.pgdata);
}

/** Whatever was done to its files while it was down. */
export async function startInRecovery(situation: Situation, signal: AbortSignal): Promise<void> {
  await noteStrayBeforeStart(situation);
  await keepUnpromotedInRecovery(situation);
  situation.remember({ orderTakenBack: false });
  await situation.instance.start(signal);
}

/** Leave standby mode at the next start. Who never left recovery stays in it, following nobody, until it is promoted. */
export async function writePrimaryConfig({ situation }: StepContext): Promise<Outcome> {
  const { pgdata } = situation.config;
  if (!(await neverLeftRecovery(situation))) {
    // Whom to follow means nothing to a primary, and its clients are just coming: each reload costs all of them a moment.
    await clearStandbyMode(pgdata);
  } else if ((await writeStandbyMode(pgdata, situation.state.nodeId, undefined)) === 'changed') {
    await reloadWhenRunning(situation);
  }
  return done;
}

/** Its order to take writes was followed by one to stop before it was promoted, or while it was. */
async function neverLeftRecovery({ config, instance }: Situation): Promise<boolean> {
  if (instance.isRunning()) return (await writtenTimeline(instance.sql)) === null;
  // What cannot be read cannot be started, which says why.
  const control = await readControlData(config.bindir, config.pgdata).catch(() => null);
  return control?.state === 'in archive recovery' || control?.state === 'shut down in recovery';
}

/**
 * Standby mode from the next start on, streaming from the leader. Where somebody wrote, following nobody before that is
 * taken back: the leader's timeline may have the same number, and what it writes there would be put behind.
 */
export async function writeStandbyConfig({ situation }: StepContext): Promise<Outcome> {
  const leader = situation.leader();
  if (!leader) return retry('the group has no primary to follow');
  const { config, state } = situation;
  if (state.epoch < state.promised) return retry(`promised not to stream below epoch ${state.promised}`);
  if (situation.instance.isRunning()) await resetForeignUpstream(situation.instance.sql);
  else await removeForeignUpstream(config.pgdata);
  noteStrayBeforeSignal(situation);
  const setting = await writeStandbySetting(situation);
  const upstream = situation.state.strayed ? undefined : await upstreamOf(config, leader);
  const written = await writeStandbyMode(config.pgdata, state.nodeId, upstream);
  if (written === 'changed' && situation.instance.isRunning()) situation.streamCutAt = performance.now();
  if (written === 'changed' || setting === 'changed') await reloadWhenRunning(situation);
  return done;
}

/** Stream from the leader, by reload: a restart would lose the exact receive position. */
export async function followLeader(context: StepContext): Promise<Outcome> {
  context.situation.followAgain = false;
  const outcome = await writeStandbyConfig(context);
  // The file may have been written by an attempt that was cut off before it reloaded.
  if (outcome.tag === 'done') await reloadWhenRunning(context.situation);
  return outcome;
}

async function reloadWhenRunning({ instance }: Situation): Promise<void> {
  if (instance.isRunning()) await reload(instance.sql);
}
