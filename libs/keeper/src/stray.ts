import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { State } from '@pgaf/core/states';
import { readControlData, type ClusterState } from '@pgaf/postgres/control-data';
import type { Observation } from '@pgaf/postgres/observe';
import { rewindIsHalfDone } from '@pgaf/postgres/rewind';
import { hasStandbySignal } from '@pgaf/postgres/standby';
import type { Situation } from './situation.js';
import type { KeeperState } from './state-file.js';
import { rewindMarker } from './steps/data-directory.js';
import { whatMustHold } from './what-must-hold.js';

/**
 * A standby that somebody opened for writes behind our back. What it has is not the leader's alone any more, also when
 * it is in recovery again, and the number of its timeline is one that the next leader takes as well: its position says
 * nothing of what it received. So it promises nothing until a rewind or a copy has taken that back; what it had promised
 * before takes no part of it in.
 */
export function noteStray(situation: Situation, seen: Observation | null): void {
  if (seen && !seen.inRecovery && isToStayStandby(situation.state)) remember(situation);
}

/** The same of what was opened and ended while nobody looked: pg_control tells of it until it is started again. */
export async function noteStrayBeforeStart(situation: Situation): Promise<void> {
  const { config, state } = situation;
  if (!isStandbyToJudge(situation)) return;
  // What cannot be read cannot be started, which says why.
  const control = await readControlData(config.bindir, config.pgdata).catch(() => null);
  // A primary that was put into maintenance was shut down rightfully.
  const wrote = state.current === 'maintenance' ? WAS_OPEN : WRITES;
  if (control !== null && (wrote.has(control.state) || lostItsSignal(situation))) remember(situation);
}

/**
 * The same of a promotion that was cut off: to pg_control it is none, but it may have begun a timeline. Its signal file is
 * gone, until it is written again.
 */
export function noteStrayBeforeSignal(situation: Situation): void {
  if (isStandbyToJudge(situation) && lostItsSignal(situation)) remember(situation);
}

/** Nothing but a promotion takes it away, which may be one that was ordered, and that order taken back. */
function lostItsSignal({ config, state }: Situation): boolean {
  return state.current !== 'maintenance' && !state.orderTakenBack && !hasStandbySignal(config.pgdata);
}

/** What a copy or a rewind has left tells nothing of this node. */
function isStandbyToJudge(situation: Situation): boolean {
  if (!isToStayStandby(situation.state)) return false;
  if (existsSync(join(situation.config.pgdata, 'backup_label'))) return false;
  return !rewindIsHalfDone(rewindMarker(situation));
}

const WAS_OPEN: ReadonlySet<ClusterState> = new Set(['in production', 'in crash recovery']);

const WRITES: ReadonlySet<ClusterState> = new Set([
  'in production',
  'in crash recovery',
  'shutting down',
  'shut down',
]);

/** Nobody ordered it to open. One that has promised may have been: its promise stays as it was measured. */
function isToStayStandby({ current, goal, epoch, promoted, strayed }: KeeperState): boolean {
  if (strayed || promoted?.epoch === epoch) return false;
  return isStandby(current) && isStandby(goal);
}

/** In a maintenance too: its operator may open it, and that is taken back when the maintenance is over. */
function isStandby(state: State): boolean {
  return state === 'maintenance' || whatMustHold(state) === 'standby';
}

function remember(situation: Situation): void {
  situation.log.warn('Somebody opened this standby for writes: it promises nothing until that is taken back');
  situation.remember({ strayed: true });
}
