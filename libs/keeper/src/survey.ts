import type { Milliseconds } from '@pgaf/core/durations';
import { maxLsn } from '@pgaf/core/lsn';
import { canTakeWrites, promises } from '@pgaf/core/states';
import type { Observation } from '@pgaf/postgres/observe';
import { timelineOfFiles } from '@pgaf/postgres/wal-position';
import { nodeOfConninfo } from './conninfo-node.js';
import { postgresIsDown, postgresIsUp } from './restart-attempts.js';
import type { Situation } from './situation.js';
import { noteStray } from './stray.js';
import { watchQuiet } from './quiet.js';
import { steadyNow } from './steady-clock.js';
import { assignedNames, noteOverride } from './steps/sync-standbys.js';
import { watchReceiver } from './upstream-watch.js';
import { needsPostgres, whatMustHold } from './what-must-hold.js';

/** A stream that this keeper cuts has ended after this long. */
const CUT_TAKES: Milliseconds = 3000;

/** Looks at the local Postgres and takes in what it sees. */
export async function survey(situation: Situation): Promise<void> {
  const { instance } = situation;
  await instance.adopt();
  noteLoss(situation);
  const told = confirmedVersion(situation);
  const seen = instance.isRunning() ? await instance.observe() : null;
  if (told !== null && told === confirmedVersion(situation)) noticeOverride(situation, seen, told);
  situation.observation = seen;
  noteBusy(situation);
  if (seen || instance.busy !== null)
    situation.attempts = postgresIsUp(situation.attempts, instance.ranFor());
  else if (needsPostgres(situation.state.current)) {
    situation.attempts = postgresIsDown(situation.attempts, performance.now());
  }
  noteStray(situation, seen);
  if (seen && seen.timeline > situation.state.tli) situation.remember({ tli: seen.timeline });
  if (seen) situation.streams = streamsOf(seen);
  watchUpstream(situation, seen);
  listen(situation, seen);
  if (seen !== null && owesPromise(situation) && (await isCutOff(situation, seen))) {
    await measurePromise(situation, seen);
  }
}

/**
 * What is measured once is kept, whatever becomes of Postgres: only another node that promised can add to it. Nothing is
 * measured before the step that promises has ended, and the state is reached: a walreceiver may be about to start that read
 * `primary_conninfo` before the reload, and is in no view yet.
 */
async function measurePromise(situation: Situation, seen: Observation): Promise<void> {
  const { state, config } = situation;
  if (!promises(state.current) || state.strayed) return;
  const before = state.promise?.epoch === state.promised ? state.promise : null;
  const tli = Math.max(seen.timeline, state.tli, before?.tli ?? 0, await timelineOfFiles(config.pgdata));
  const lsn = maxLsn(seen.lsn, before?.lsn ?? 0n);
  if (before?.tli === tli && before.lsn === lsn) return;
  situation.remember({ tli, promise: { epoch: state.promised, tli, lsn } });
}

/** The version of the assigned setting, when every process of Postgres was told of it. */
function confirmedVersion({ state, assignment }: Situation): number | null {
  const version = assignment?.setting?.version ?? null;
  return canTakeWrites(state.current) && version === state.confirmedSetting ? version : null;
}

function noticeOverride(situation: Situation, seen: Observation | null, version: number): void {
  if (seen && !seen.inRecovery && seen.synchronousStandbyNames !== assignedNames(situation)) {
    noteOverride(situation, version);
  }
}

/** Postgres may come to hang, and be stopped for it, while one look at it lasts: so each report asks. */
export function noteHang(situation: Situation): void {
  const hangs = situation.hangs();
  if (hangs && !situation.saidToHang)
    situation.log.warn('Postgres runs and does not answer', {
      forMs: Math.round(situation.instance.hungFor),
    });
  situation.saidToHang = hangs;
}

function noteBusy(situation: Situation): void {
  const { busy } = situation.instance;
  if (busy !== null && situation.saidToBeBusy === null)
    situation.log.warn('Postgres works and is too busy for its keeper', { reason: busy });
  situation.saidToBeBusy = busy;
}

function noteLoss(situation: Situation): void {
  const runs = situation.instance.isRunning();
  if (situation.ran && !runs) situation.lostAt = steadyNow();
  situation.ran = runs;
}

function streamsOf({ replication }: Observation): readonly number[] {
  return [...new Set(replication.flatMap(({ nodeId }) => nodeId ?? []))].sort((a, b) => a - b);
}

function watchUpstream(situation: Situation, seen: Observation | null): void {
  if (whatMustHold(situation.state.current) !== 'standby' || (seen && !seen.inRecovery)) {
    situation.upstream = null;
    return;
  }
  const nodes = situation.assignment?.nodes ?? [];
  // Empty after a promise: the node that was streamed from last is still the one to speak of.
  const node = nodeOfConninfo(seen?.primaryConninfo ?? '', nodes)?.id ?? situation.upstream?.node;
  if (node === undefined) return;
  const receiver = seen?.walReceiver
    ? { streaming: seen.walReceiver.status === 'streaming', messageAge: seen.walReceiver.lastMessageAgeMs }
    : null;
  // Without an answer of the local Postgres nothing is known of how its stream ended.
  const now = performance.now();
  const cutByUs = seen === null || isCutByUs(situation, now);
  situation.upstream = watchReceiver(situation.upstream, { node, receiver, cutByUs }, now);
}

function listen(situation: Situation, seen: Observation | null): void {
  // What comes after a promise comes from others that promised, and is confirmed to no leader.
  if (owesPromise(situation) && !situation.quiet.open) return;
  const receiver = seen?.walReceiver && {
    messageAt: seen.walReceiver.lastMessageAt,
    messageAge: seen.walReceiver.lastMessageAgeMs,
  };
  const sample = seen && { lsn: seen.lsn, receiver: receiver ?? null };
  situation.quiet = watchQuiet(situation.quiet, sample, situation.instance.isRunning(), steadyNow());
}

/** After a promise no stream begins, so an end of one that was alive then is our doing, whenever it is seen. */
function isCutByUs(situation: Situation, now: Milliseconds): boolean {
  const { streamCutAt } = situation;
  return streamCutAt !== null && (owesPromise(situation) || now - streamCutAt < CUT_TAKES);
}

function owesPromise({ state }: Situation): boolean {
  return state.promised > state.epoch;
}

/**
 * No walreceiver, none to come, and no local WAL that the observed LSN does not count. In the life of a
 * postmaster the receive position counts all; after a restart it is unknown, and the startup process must
 * have read to the end of the local WAL, which it has when it sleeps before it looks for more.
 */
async function isCutOff({ instance }: Situation, seen: Observation): Promise<boolean> {
  if (!seen.inRecovery || seen.primaryConninfo !== '' || seen.walReceiver !== null) return false;
  const [row] = await instance.sql
    .query<{ counted: boolean }>(
      `SELECT pg_last_wal_receive_lsn() IS NOT NULL
              OR EXISTS (SELECT FROM pg_stat_activity
                          WHERE backend_type = 'startup'
                            AND wait_event IN ('RecoveryRetrieveRetryInterval', 'RecoveryWalStream')) AS counted`,
    )
    .catch(() => []);
  return row?.counted ?? false;
}
