import type { Milliseconds } from '@pgaf/core/durations';
import { done, type Outcome } from '@pgaf/core/result';
import { awaitNoWalReceiver } from '@pgaf/postgres/no-wal-receiver';
import { reload } from '@pgaf/postgres/reload';
import { writeStandbyMode } from '@pgaf/postgres/standby';
import { pause } from '../pause.js';
import type { Situation } from '../situation.js';
import { noteStrayBeforeSignal } from '../stray.js';
import { survey } from '../survey.js';
import { probe } from '../tcp-probe.js';
import { refuseHalfRewound } from './data-directory.js';
import { startInRecovery } from './recovery-mode.js';
import type { StepContext } from './step-context.js';

/** How long the stream of an upstream that is gone may take to end by itself. */
const STREAM_END: Milliseconds = 1000;
const PROBE_TIMEOUT: Milliseconds = 200;

/**
 * Promises for the next epoch. The promise is on disk before the stream is cut; its LSN is measured with each
 * report from then on, which is when the monitor hears of it.
 */
export async function promise({ situation, signal }: StepContext): Promise<Outcome> {
  const { instance, config, state } = situation;
  // What they are to become is the leader's to tell, and what they were is gone.
  if (!instance.isRunning()) refuseHalfRewound(situation);
  const again = state.promised > state.epoch;
  situation.remember({ promised: Math.max(state.promised, state.epoch + 1) });
  if (instance.isRunning()) await letStreamEnd(situation, signal);
  const alive = instance.isRunning() && situation.observation?.walReceiver != null;
  if (alive) situation.streamCutAt = performance.now();
  else if (!again) situation.streamCutAt = null;
  noteStrayBeforeSignal(situation);
  await writeStandbyMode(config.pgdata, state.nodeId, undefined);
  if (!instance.isRunning()) await startInRecovery(situation, signal);
  await reload(instance.sql);
  await awaitNoWalReceiver(instance.sql, signal);
  return done;
}

/**
 * A stream that ends by itself proves that the upstream is gone; one that is cut here proves nothing. So an
 * upstream whose host refuses connections is given a moment to end its stream.
 */
async function letStreamEnd(situation: Situation, signal: AbortSignal): Promise<void> {
  const node = situation.assignment?.nodes.find((one) => one.id === situation.upstream?.node);
  if (!node || !situation.observation?.walReceiver) return;
  if ((await probe(node.host, node.port, PROBE_TIMEOUT)) !== 'refused') return;
  const deadline = performance.now() + STREAM_END;
  while (situation.observation?.walReceiver && performance.now() < deadline && !signal.aborted) {
    await pause(20, signal);
    await survey(situation);
  }
}
