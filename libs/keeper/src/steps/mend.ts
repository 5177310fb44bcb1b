import { done, type Outcome } from '@pgaf/core/result';
import { canTakeWrites } from '@pgaf/core/states';
import {
  isOnAnotherLine,
  readLocalTimelines,
  removeTimelines,
  strayTimelines,
} from '@pgaf/postgres/stray-timelines';
import { isToFollow, standstillOf } from '../standstill.js';
import type { KeeperState } from '../state-file.js';
import { isUnusable, rewindOrCopy } from './data-directory.js';
import { writeStandbyConfig } from './recovery-mode.js';
import { lineOf, type SourceLine } from './source-line.js';
import type { StepContext } from './step-context.js';

/**
 * Before a standby starts that is to follow: a copy or a rewind that was cut off is started over, and what can never
 * follow as it is is made to. The data of a leader, and of a node that has promised, are not replaced.
 */
export async function mend(context: StepContext): Promise<Outcome> {
  const { situation } = context;
  if (!isToFollow(situation.state) && !joinsAsStray(situation.state)) return done;
  const why = standstillOf(situation);
  const isGood =
    (why === null || why === 'another-line') &&
    !(await isUnusable(situation)) &&
    !(await canBeTakenBack(context)) &&
    (await matchTimelines(context)) === 'matched';
  if (isGood) return done;
  const outcome = await rewindOrCopy(context);
  return outcome.tag === 'done' ? writeStandbyConfig(context) : outcome;
}

/** Whoever joins follows by reload, since its WAL and the leader's are one: not where somebody wrote. */
function joinsAsStray({ strayed, goal, promised, epoch }: KeeperState): boolean {
  return strayed && goal === 'join_secondary' && promised <= epoch;
}

/** Somebody wrote here, and the leader is there to say what is real: while it is lost, only a person can. */
export async function canBeTakenBack(context: StepContext): Promise<boolean> {
  const { state } = context.situation;
  if (!state.strayed || !(isToFollow(state) || joinsAsStray(state))) return false;
  return (await lineOfLeader(context)) !== null;
}

/** Takes away the files of timelines that the leader does not have, while nothing but the files hangs on them. */
async function matchTimelines(context: StepContext): Promise<'matched' | 'another line'> {
  const { situation } = context;
  const { config, log } = situation;
  const local = await readLocalTimelines(config.bindir, config.pgdata).catch(() => null);
  // Its start says why.
  if (local === null) return 'matched';
  const isFirst = Math.max(local.timeline, ...local.histories.keys(), ...local.written) === 1;
  const line = isFirst ? null : await lineOfLeader(context);
  if (line === null) return 'matched';
  situation.standstill = null;
  if (isOnAnotherLine(local, line)) return 'another line';
  const strays = strayTimelines(local, line);
  if (strays.length === 0) return 'matched';
  log.warn(`Removing timeline ${strays.join(', ')} from pg_wal: a promotion left it that never counted`);
  // It may have been seen on one of them.
  situation.remember({ tli: 0 });
  await removeTimelines(config.pgdata, strays);
  return 'matched';
}

/** Null when the leader does not say: a standby starts without it, since it may be the one that takes over. */
async function lineOfLeader({ situation, signal }: StepContext): Promise<SourceLine | null> {
  const { config, state, log } = situation;
  const leader = situation.leader();
  if (!leader || !canTakeWrites(leader.reported)) return null;
  try {
    const line = await lineOf(config, leader, signal);
    return line.systemIdentifier === state.systemIdentifier ? line : null;
  } catch (error) {
    signal.throwIfAborted();
    log.debug(`Could not ask node ${leader.id} "${leader.name}" for its timelines`, { error });
    return null;
  }
}
