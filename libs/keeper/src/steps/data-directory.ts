import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, PgafError, ProgramError } from '@pgaf/core/errors';
import { hostAndPort } from '@pgaf/core/host-and-port';
import { done, retry, type Outcome } from '@pgaf/core/result';
import { basebackup, endOrphanedCopy } from '@pgaf/postgres/basebackup';
import { cleanEndOf } from '@pgaf/postgres/clean-end';
import { readControlData } from '@pgaf/postgres/control-data';
import { STAGING, inspectDataDirectory } from '@pgaf/postgres/data-directory';
import { finishFilling } from '@pgaf/postgres/fill-directory';
import { initdb } from '@pgaf/postgres/initdb';
import { endOrphanedRewind, forgetRewind, rewind, rewindIsHalfDone } from '@pgaf/postgres/rewind';
import { stayInRecovery } from '@pgaf/postgres/standby';
import { localTimelinesOf } from '@pgaf/postgres/stray-timelines';
import type { Peer } from '@pgaf/monitor-client/reports';
import { startImpossible } from '../restart-attempts.js';
import type { Situation } from '../situation.js';
import { standstillOf } from '../standstill.js';
import { requireFollowable } from './followable.js';
import { lacksTablespaces, planCopy } from './plan-copy.js';
import { checkpointedLine, lineOf } from './source-line.js';
import type { StepContext } from './step-context.js';
import { upstreamOf } from './upstream-of.js';

const NO_LEADER = retry('the group has no primary to copy from');

/** Beside the state file: pg_rewind removes from the data directory what its source does not have. */
export function rewindMarker(situation: Situation): string {
  return `${situation.config.statePath}.rewind`;
}

/** Ends what a keeper that was killed left at work in the data directory; nothing here may be judged before. */
export async function endOrphans({ situation, signal }: StepContext): Promise<void> {
  const { pgdata } = situation.config;
  if (rewindIsHalfDone(rewindMarker(situation))) await endOrphanedRewind(pgdata, signal);
  if (existsSync(join(pgdata, STAGING))) await endOrphanedCopy(pgdata, signal);
}

/** Before a start: Postgres may start from them, as it does from whole ones. No other attempt mends them. */
export function refuseHalfRewound(situation: Situation): void {
  if (!rewindIsHalfDone(rewindMarker(situation))) return;
  situation.attempts = startImpossible(situation.attempts, performance.now());
  throw new PgafError(
    'pg_rewind was cut off here: these data are neither what they were nor what they were to become',
    {
      code: 'half-rewound',
      exit: EXIT.badState,
      hint: 'Drop this node with --force, so that another one can take over, and create it again.',
    },
  );
}

/** True when what is in the data directory is no state that Postgres could start from. */
export async function isUnusable(situation: Situation): Promise<boolean> {
  if (rewindIsHalfDone(rewindMarker(situation))) return true;
  return (await inspectDataDirectory(situation.config.pgdata)) !== 'initialized';
}

export async function initialize({ situation, signal }: StepContext): Promise<Outcome> {
  const { bindir, pgdata, superuser, auth, hbaLevel, waldir } = situation.config;
  // A user who opened Postgres to the network without a password wants no more of this host.
  const localAccess = auth === 'trust' && hbaLevel !== 'skip' ? 'trust' : 'password';
  await initdb({
    bindir,
    pgdata,
    superuser,
    checksums: 'on',
    localAccess,
    waldir: waldir ?? undefined,
    signal,
  });
  await publishIdentity(situation);
  return done;
}

export async function copyFromLeader(context: StepContext): Promise<Outcome> {
  const { situation } = context;
  const leader = situation.leader();
  if (!leader) return NO_LEADER;
  await endOrphans(context);
  await finishCopy(situation);
  if (await isUnusable(situation)) await copy(context, leader);
  else if (!situation.instance.isRunning()) await requireFollowable(situation.config, leader, context.signal);
  await publishIdentity(situation);
  return done;
}

export async function rewindOrCopy(context: StepContext): Promise<Outcome> {
  const { situation } = context;
  const { config, state, instance, log } = situation;
  const leader = situation.leader();
  if (!leader) return NO_LEADER;
  if (!instance.isGone()) await instance.stop({ mode: 'fast', signal: context.signal });
  // What it stopped with may be gone from here on.
  if (state.stopped && state.epoch >= state.stopped.belowEpoch) situation.remember({ stopped: null });
  // The slots that this node kept as a primary hold back WAL and vacuum of nodes that have moved on.
  situation.slotsFor = null;
  situation.dropSlotsFirst = true;
  await endOrphans(context);
  await finishCopy(situation);
  const isGood =
    standstillOf(situation) !== 'wal-gone' &&
    !(await hidesWhatItWrote(situation)) &&
    !(await isUnusable(situation));
  if (isGood && !(await lacksTablespaces(config, leader, context.signal))) {
    if (await hasNothingToTakeBack(situation, leader, context.signal)) {
      await stayInRecovery(config.pgdata);
      situation.standstill = null;
      return done;
    }
    // Nothing is destroyed before the source has answered.
    const sourceLine = await checkpointedLine(config, leader, context.signal);
    try {
      const how = await rewind({
        bindir: config.bindir,
        pgdata: config.pgdata,
        source: await upstreamOf(config, leader),
        sourceLine,
        nodeId: state.nodeId,
        marker: rewindMarker(situation),
        signal: context.signal,
      });
      if (how === 'rewound') {
        log.info(`Rewound to node ${leader.id} "${leader.name}"`);
        // The timeline that it was on is no more.
        situation.remember({ tli: 0 });
      }
      situation.standstill = null;
      situation.remember({ strayed: false });
      return done;
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      log.warn('Cannot rewind, so a base backup is taken', { error });
    }
  }
  await copy(context, leader);
  return done;
}

/** As after a switchover: what the leader is asked for costs it nothing. */
async function hasNothingToTakeBack(
  { config, state }: Situation,
  leader: Peer,
  signal: AbortSignal,
): Promise<boolean> {
  if (state.strayed) return false;
  const line = await lineOf(config, leader, signal);
  const control = await readControlData(config.bindir, config.pgdata).catch(() => null);
  if (control === null || line.systemIdentifier !== String(control.systemIdentifier)) return false;
  const local = await localTimelinesOf(config.pgdata, control);
  return (await cleanEndOf(config.pgdata, control, local, line)) === 'there';
}

/** It was opened for writes, and started in recovery since: nothing tells its WAL from what it received. */
async function hidesWhatItWrote({ config, state }: Situation): Promise<boolean> {
  if (!state.strayed) return false;
  const control = await readControlData(config.bindir, config.pgdata).catch(() => null);
  return control?.state === 'in archive recovery' || control?.state === 'shut down in recovery';
}

async function copy({ situation, signal }: StepContext, leader: Peer): Promise<void> {
  const { config, state, log } = situation;
  const plan = await planCopy(config, leader, (await isUnusable(situation)) ? 'useless' : 'whole', signal);
  log.info(`Copying node ${leader.id} "${leader.name}" (${hostAndPort(leader.host, leader.port)})`);
  situation.remember({ tli: 0 });
  try {
    await basebackup({
      bindir: config.bindir,
      pgdata: config.pgdata,
      upstream: await upstreamOf(config, leader),
      nodeId: state.nodeId,
      slot: 'own',
      ...plan,
      maxRate: config.maximumBackupRate,
      signal,
      onProgress: ({ doneKb, totalKb }) => {
        situation.progress = `copying, ${doneKb} of about ${totalKb} kB`;
      },
    });
  } finally {
    situation.progress = null;
  }
  await forgetRewind(rewindMarker(situation));
  situation.standstill = null;
  situation.remember({ strayed: false });
}

/** A copy that was complete when the keeper was killed takes its place. */
async function finishCopy(situation: Situation): Promise<void> {
  if ((await finishFilling(situation.config.pgdata)) === 'finished') {
    await forgetRewind(rewindMarker(situation));
  }
}

async function publishIdentity(situation: Situation): Promise<void> {
  const { config, state, monitor } = situation;
  const control = await readControlData(config.bindir, config.pgdata);
  const systemIdentifier = String(control.systemIdentifier);
  if (state.systemIdentifier === systemIdentifier) return;
  await monitor.setSystemIdentifier(state.nodeId, systemIdentifier);
  situation.remember({ systemIdentifier });
}
