import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import { BugError } from '@pgaf/core/errors';
import { endProcesses } from './end-processes.js';
import { postmasterAmong } from './find-postmaster.js';
import { isLiving, postgresProcessesOf, type ProcessFacts } from './processes.js';
import { postmasterPidFile, readPostmasterPid } from './postmaster-pid.js';
import { removeStaleSocketLock } from './socket-lock.js';

const QUIT_GRACE_MS = 300;
/** A child that was forked just before its postmaster died passes for one until it has been given its title. */
const UNTITLED: Milliseconds = 2000;
const LOOK_AGAIN: Milliseconds = 10;

export interface EndingLeftovers {
  readonly signal?: AbortSignal | undefined;
  /** As for `endProcesses`. */
  readonly leaveDoomedAfterMs?: Milliseconds | undefined;
}

/** What became of the processes that a dead postmaster had left behind; each one of `doomed` was killed. */
export interface Leftovers {
  readonly found: number;
  readonly doomed: number;
}

/**
 * Ends what a dead postmaster left behind: backends that are busy go on for seconds, write, and keep the next
 * postmaster from starting. SIGQUIT first, SIGKILL 0.3 s later, and waits until all are gone; then takes away the
 * dead one's socket and its `postmaster.pid`, whose pid may be another process's by now.
 * @throws BugError when the postmaster lives: its children are no left-overs.
 */
export async function endLeftovers(
  pgdata: string,
  { signal, leaveDoomedAfterMs }: EndingLeftovers = {},
): Promise<Leftovers> {
  const leftovers = await leftoversOf(pgdata);
  const doomed = await endProcesses(leftovers, {
    first: 'SIGQUIT',
    killAfterMs: QUIT_GRACE_MS,
    leaveDoomedAfterMs,
    signal,
  });
  // The disk that they wait for would hold up who touches it.
  if (doomed.length > 0) return { found: leftovers.length, doomed: doomed.length };
  const dead = await readPostmasterPid(pgdata);
  if (dead?.socketDirectory) await removeStaleSocketLock(pgdata, dead);
  await rm(postmasterPidFile(pgdata), { force: true });
  return { found: leftovers.length, doomed: 0 };
}

async function leftoversOf(pgdata: string): Promise<readonly ProcessFacts[]> {
  const deadline = performance.now() + UNTITLED;
  for (;;) {
    const found = postgresProcessesOf(pgdata);
    const postmaster = await postmasterAmong(pgdata, found);
    // One that has ended since may have been a postmaster, whose last child is not among them.
    if (!postmaster && found.every(isLiving)) return found;
    if (postmaster && performance.now() > deadline)
      throw new BugError(
        `Left-overs of ${pgdata} were to be ended, but its postmaster ${postmaster.pid} lives.`,
      );
    await sleep(LOOK_AGAIN);
  }
}
