import type { Milliseconds } from '@pgaf/core/durations';
import { formatLsn } from '@pgaf/core/lsn';
import { done, retry, type Outcome } from '@pgaf/core/result';
import type { Peer } from '@pgaf/monitor-client/reports';
import type { Observation } from '@pgaf/postgres/observe';
import { reload } from '@pgaf/postgres/reload';
import { writeStandbyMode } from '@pgaf/postgres/standby';
import { pause } from '../pause.js';
import { outcomeOf, tried } from '../source-tries.js';
import { steadyNow } from '../steady-clock.js';
import { noteStrayBeforeSignal } from '../stray.js';
import { startInRecovery } from './recovery-mode.js';
import type { StepContext } from './step-context.js';
import { upstreamOf } from './upstream-of.js';

/** After so long without progress it is looked at again from whom to receive. */
const NO_PROGRESS: Milliseconds = 1000;
const SAMPLE: Milliseconds = 20;

/**
 * Receives what the node that the monitor named has and this one lacks. That node has promised as well, so nothing
 * comes with it that an old primary still writes.
 */
export async function fastForward({ situation, signal }: StepContext): Promise<Outcome> {
  const { instance, config, state } = situation;
  const source = situation.walSource();
  if (!source) return retry('no node is named to receive from');
  if (!instance.isRunning()) await startInRecovery(situation, signal);
  const before = await instance.observe();
  if (hasAllOf(source, before)) return done;
  situation.streamCutAt = performance.now();
  noteStrayBeforeSignal(situation);
  // Where it would receive is what somebody wrote there.
  if (situation.state.strayed) return retry('somebody opened this standby for writes');
  await writeStandbyMode(config.pgdata, state.nodeId, await upstreamOf(config, source));
  await reload(instance.sql);
  // From before the stream began: what comes at once counts, too.
  let had = before?.lsn ?? null;
  let received = had ?? 0n;
  let progressAt = performance.now();
  while (!signal.aborted && performance.now() - progressAt < NO_PROGRESS) {
    const seen = await instance.observe();
    if (hasAllOf(source, seen)) return done;
    had ??= seen?.lsn ?? null;
    const lsn = seen?.lsn ?? received;
    if (lsn > received) progressAt = performance.now();
    received = lsn;
    await pause(SAMPLE, signal);
  }
  if (!signal.aborted) {
    const now = steadyNow();
    situation.sourceTries = tried(situation.sourceTries, source.id, outcomeOf(had, received), now);
  }
  return retry(
    `node ${source.id} "${source.name}" has ${formatLsn(source.lsn)}, and ${formatLsn(received)} is here`,
  );
}

function hasAllOf(source: Peer, seen: Observation | null): boolean {
  return seen !== null && seen.lsn >= source.lsn && seen.timeline >= source.tli;
}
