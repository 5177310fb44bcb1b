import type { Milliseconds } from '@pgaf/core/durations';
import { endWalsenders } from './children.js';
import { findPostmaster } from './find-postmaster.js';
import { endLeftovers } from './leftovers.js';
import { isDoomed, isFrozen, isLiving, sendSignal } from './processes.js';
import { ShutDown } from './shut-down.js';
import { SilentClients } from './silent-clients.js';
import { StuckStop } from './stuck-stop.js';
import { until } from './until.js';

/** `fast` disconnects clients, writes a checkpoint and sends all WAL to the standbys; `immediate` leaves a crash behind. */
export type StopMode = 'fast' | 'immediate';

export interface StopOptions {
  readonly mode: StopMode;
  /**
   * When a fast stop is done: `gone` when absent. `shut down` is as good for who waits for this primary to be none any
   * more, and leaves its postmaster on the way out, which takes the longer the more memory it shares.
   */
  readonly until?: 'shut down' | 'gone' | undefined;
  /** A fast stop that takes longer becomes an immediate one; without it, a fast stop takes the time it takes. */
  readonly immediateAfterMs?: Milliseconds | undefined;
  /** Standbys that have not received everything by then are cut off; without it, a fast stop waits for them. */
  readonly cutStreamsAfterMs?: Milliseconds | undefined;
  /** Walsenders, by pid, whose standbys a fast stop does not wait for at all. */
  readonly cutAtOnce?: readonly number[] | undefined;
  /**
   * Where a disk that hangs keeps processes from ending that were killed, the stop is done this long after; without it,
   * they are waited for.
   */
  readonly leaveDoomedAfterMs?: Milliseconds | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * `shut down`: the postmaster is about to end, and serves nobody. `doomed`: processes are left that were killed, and do
 * nothing any more, but have not ended.
 */
export type Stopped = 'already' | 'shut down' | 'fast' | 'immediate' | 'killed' | 'doomed';

const POLL_MS = 2;
/** A walsender that hangs in the network ends at its second signal. */
const CUT_EVERY_MS = 100;
/** A postmaster kills its own children 5 s after an immediate stop; one that lives on after that is stuck itself. */
const KILL_AFTER_MS = 6000;
/** A postmaster that somebody has stopped for this long is not about to go on. */
const FROZEN_FOR_MS = 1000;

/**
 * Stops Postgres and waits until no process of it is left that could do anything to its data, be it the first call, a second one, or one that finds
 * a stale `postmaster.pid`.
 * @returns the mode that ended it.
 */
export async function stopPostmaster(pgdata: string, options: StopOptions): Promise<Stopped> {
  const postmaster = await findPostmaster(pgdata);
  if (!postmaster) {
    return (await endLeftovers(pgdata, options)).doomed > 0 ? 'doomed' : 'already';
  }
  const begun = performance.now();
  let immediateAt = options.mode === 'immediate' ? begun : begun + (options.immediateAfterMs ?? Infinity);
  const cutAllAt = begun + (options.cutStreamsAfterMs ?? Infinity);
  const { cutAtOnce = [] } = options;
  let cutAt = cutAtOnce.length > 0 ? begun : cutAllAt;
  const fast = new StuckStop(postmaster.pid);
  const silent = new SilentClients(postmaster.pid);
  const mayLeave = options.mode === 'fast' && options.until === 'shut down';
  const shutDown = mayLeave ? new ShutDown(pgdata, postmaster.pid) : null;
  let reached: Stopped = 'fast';
  let leaveAt = Infinity;
  let thawedAt = begun;
  if (options.mode === 'fast') sendSignal(postmaster, 'SIGINT');
  const end = await until(
    () => {
      if (!isLiving(postmaster)) return 'gone';
      if (reached === 'fast' && shutDown?.look() === 'complete') return 'shut down';
      const now = performance.now();
      if (now >= leaveAt && isDoomed(postmaster)) return 'gone';
      silent.end(now);
      if (!isFrozen(postmaster)) thawedAt = now;
      if (reached === 'fast' && (fast.isStuck(now) || now - thawedAt > FROZEN_FOR_MS)) immediateAt = now;
      if (reached === 'fast' && now >= cutAt) {
        endWalsenders(postmaster.pid, now >= cutAllAt ? 'all' : cutAtOnce);
        cutAt = now + CUT_EVERY_MS;
      }
      if (reached === 'fast' && now >= immediateAt) {
        reached = 'immediate';
        sendSignal(postmaster, 'SIGQUIT');
      } else if (reached === 'immediate' && (now >= immediateAt + KILL_AFTER_MS || isFrozen(postmaster))) {
        reached = 'killed';
        sendSignal(postmaster, 'SIGKILL');
        leaveAt = now + (options.leaveDoomedAfterMs ?? Infinity);
      }
      return undefined;
    },
    { everyMs: POLL_MS, signal: options.signal },
  ).finally(() => shutDown?.close());
  if (end === 'shut down') return end;
  return (await endLeftovers(pgdata, options)).doomed > 0 ? 'doomed' : reached;
}
