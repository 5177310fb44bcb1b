import type { Milliseconds } from '@pgaf/core/durations';
import { PgafError } from '@pgaf/core/errors';
import { fatal, retry, type Outcome } from '@pgaf/core/result';
import type { Step } from '@pgaf/plugin-api';
import { pause } from './pause.js';

/** How an edge ended: all steps done, or given up because the signal was aborted. */
export type EdgeEnd = 'done' | 'aborted';

export interface EdgeRun {
  readonly steps: readonly Step[];
  readonly runStep: (step: Step) => Promise<Outcome>;
  /** Called after the last step. When it throws, the edge is run again after a pause. */
  readonly arrive: () => void;
  /** Called when the reason why the edge is not done changes; null when it no longer waits. */
  readonly waitingFor: (obstacle: Obstacle | null) => void;
  readonly signal: AbortSignal;
}

export interface Obstacle {
  /** Null when it is no step that cannot be done. */
  readonly step: Step['do'] | null;
  readonly tag: 'retry' | 'fatal';
  readonly reason: string;
  readonly hint?: string;
}

const FIRST_PAUSE: Milliseconds = 50;
const LONGEST_PAUSE: Milliseconds = 200;
/** What a person must mend is tried again at this pace, so that mending it is enough. */
const FATAL_PAUSE: Milliseconds = 2000;

/**
 * Runs the steps in order. One that is not done makes the whole edge start again after a short pause: steps
 * are idempotent, and what an earlier one saw may have changed.
 */
export async function runEdge(run: EdgeRun): Promise<EdgeEnd> {
  let wait = FIRST_PAUSE;
  while (!run.signal.aborted) {
    const obstacle = await firstObstacle(run);
    if (run.signal.aborted) return 'aborted';
    run.waitingFor(obstacle);
    if (obstacle === null) return 'done';
    await pause(obstacle.tag === 'fatal' ? FATAL_PAUSE : wait, run.signal);
    wait = Math.min(wait * 2, LONGEST_PAUSE);
  }
  return 'aborted';
}

async function firstObstacle(run: EdgeRun): Promise<Obstacle | null> {
  for (const step of run.steps) {
    if (run.signal.aborted) return null;
    const outcome = await guarded(run, step);
    if (outcome.tag === 'retry') return { step: step.do, tag: 'retry', reason: outcome.reason };
    if (outcome.tag === 'fatal')
      return { step: step.do, tag: 'fatal', reason: outcome.reason, hint: outcome.hint };
  }
  if (run.signal.aborted) return null;
  try {
    run.arrive();
    return null;
  } catch (error) {
    return { step: null, tag: 'retry', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** A step that throws is one to retry, unless the user must do something first. */
async function guarded(run: EdgeRun, step: Step): Promise<Outcome> {
  try {
    return await run.runStep(step);
  } catch (error) {
    if (error instanceof PgafError && error.name === 'UserError') {
      return fatal(error.message, error.hint ?? 'See the log of this node.');
    }
    return retry(error instanceof Error ? error.message : String(error));
  }
}
