import type { Milliseconds } from '@pgaf/core/durations';
import { done, retry, type Outcome } from '@pgaf/core/result';
import type { Lsn } from '@pgaf/core/lsn';
import { checkpoint as checkpointNow } from '@pgaf/postgres/checkpoint';
import { nodeIdOf, standbyName } from '@pgaf/postgres/names';
import { QueryError } from '@pgaf/postgres/query';
import { orAborted } from '@pgaf/postgres/until';
import { pause } from '../pause.js';
import type { Situation } from '../situation.js';
import type { StepContext } from './step-context.js';

/** What a target may still have to receive when the stop begins. */
const CLOSE_BEHIND: Lsn = 16n * 1024n * 1024n;
/** A target that gets no nearer for this long is given up. */
const NO_PROGRESS: Milliseconds = 1500;
/** Who drops a node waits for it; and after a crash it takes standbys a moment to stream again. */
const NO_PROGRESS_OF_ANY: Milliseconds = 6000;
const SAMPLE: Milliseconds = 50;
const STARTING = 'Postgres recovers from a crash, so that nobody streams from it';
/** Who has not flushed by then what was written before lags behind: usually it takes some milliseconds. */
const LAGGARDS_HAVE: Milliseconds = 300;

/** Writes out dirty buffers while clients still write, so that the stop that follows is short. */
export async function checkpoint({ situation, signal }: StepContext): Promise<Outcome> {
  const { instance, assignment, state, abandoned, observation } = situation;
  // Nothing is gained where nobody waits for the stop, and a Postgres in trouble may never finish one.
  const planned = assignment?.switchoverTarget != null || state.goal === 'dropped';
  if (!planned || situation.isReplaced() || abandoned !== null || !observation || observation.inRecovery)
    return done;
  const hung = new AbortController();
  const watch = setInterval(() => {
    if (situation.hangs()) hung.abort();
  }, SAMPLE);
  try {
    await orAborted(checkpointNow(instance.server), AbortSignal.any([signal, hung.signal]));
  } catch (error) {
    // The stop makes one as well, unless it is killed for not answering.
    const goesOn = hung.signal.aborted || (error instanceof QueryError && error.turnedAway);
    if (!goesOn) throw error;
  } finally {
    clearInterval(watch);
  }
  return done;
}

/**
 * Gives the switchover up, before anything stops, unless its target streams close behind. The stop waits for the other
 * standbys as well, but not for those that lag: they receive what they lack from the next primary.
 */
export async function verifyTarget({ situation, signal }: StepContext): Promise<Outcome> {
  const target = situation.assignment?.switchoverTarget ?? null;
  situation.laggards = [];
  return target === null ? done : untilCloseBehind(situation, () => [target], NO_PROGRESS, signal);
}

/**
 * Gives the drop of a primary up, before anything stops, unless somebody who may take over streams close behind: what a
 * primary alone has when it stops would have it ordered back.
 */
export async function verifySuccessor({ situation, signal }: StepContext): Promise<Outcome> {
  situation.laggards = [];
  const isAlone = situation.peers().length === 0;
  return isAlone
    ? done
    : untilCloseBehind(situation, () => successorsOf(situation), NO_PROGRESS_OF_ANY, signal);
}

function successorsOf(situation: Situation): readonly number[] {
  return situation
    .peers()
    .filter(({ goal, candidatePriority }) => goal === 'secondary' && candidatePriority > 0)
    .map(({ id }) => id);
}

/** Who leaves stops in any case. And a node that has promised for the next epoch, or leads it, lets nobody stay in this one. */
function mayStay(situation: Situation): boolean {
  return !situation.leaving && !situation.isSucceeded();
}

/** Nothing is asked of one that has stopped or hangs: whoever takes over has everything then, or waits for it. */
function canBeAsked(situation: Situation): boolean {
  return situation.instance.isRunning() && !situation.hangs();
}

/** Done once one of the targets has little left to receive; gives the handover up when none of them gets any nearer. */
async function untilCloseBehind(
  situation: Situation,
  targets: () => readonly number[],
  noProgress: Milliseconds,
  signal: AbortSignal,
): Promise<Outcome> {
  let best: Lsn | null = null;
  let nearerAt = performance.now();
  while (!signal.aborted) {
    if (!mayStay(situation)) return done;
    // Before anything else: who has said so goes on, also once its Postgres has ended.
    if (situation.abandoned !== null && !situation.instance.leftDoomed) return retry(situation.abandoned);
    if (!canBeAsked(situation)) return done;
    const nodes = targets();
    const nearest = await nearestOf(situation, nodes).catch(whyNotAnswered);
    if (nearest !== null && typeof nearest === 'object' && nearest.lag <= CLOSE_BEHIND) {
      situation.laggards = await laggardsBeside(situation, nearest.node, signal);
      return done;
    }
    const now = performance.now();
    if (nearest === 'busy') nearerAt = now;
    else if (nearest !== null && nearest !== 'starting' && (best === null || nearest.lag < best)) {
      best = nearest.lag;
      nearerAt = now;
    }
    const patience = nearest === 'starting' ? NO_PROGRESS_OF_ANY : noProgress;
    if (now - nearerAt > patience && mayStay(situation) && canBeAsked(situation)) {
      situation.abandoned =
        nearest === 'starting' ? STARTING : whyGivenUp(nodes, nearest === 'busy' ? null : nearest);
      return retry(situation.abandoned);
    }
    await pause(SAMPLE, signal);
  }
  return retry('given up');
}

/** Nobody streams from one that recovers from a crash; one that is too busy to answer says nothing of who does. */
function whyNotAnswered(error: unknown): 'starting' | 'busy' {
  return error instanceof QueryError && error.notYet ? 'starting' : 'busy';
}

function whyGivenUp(nodes: readonly number[], nearest: Nearest | null): string {
  if (nodes.length === 0) return 'nobody is left who may take over';
  if (nearest !== null) return `node ${nearest.node} is ${nearest.lag} bytes behind and gets no nearer`;
  return nodes.length === 1
    ? `node ${nodes[0]} does not stream`
    : `none of the nodes ${nodes.join(', ')} streams`;
}

/** The walsenders, by pid, whose standbys do not flush what is written here soon. */
async function laggardsBeside(
  { instance }: Situation,
  target: number,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const [row] = await instance.sql.query<{ here: string }>('SELECT pg_current_wal_flush_lsn()::text AS here');
  const until = performance.now() + LAGGARDS_HAVE;
  for (;;) {
    const laggards = await instance.sql.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_replication
        WHERE application_name <> $1 AND state <> 'backup' AND coalesce(flush_lsn, write_lsn, '0/0') < $2`,
      [standbyName(target), row?.here],
    );
    if (laggards.length === 0 || signal.aborted || performance.now() > until)
      return laggards.map(({ pid }) => pid);
    await pause(SAMPLE, signal);
  }
}

interface Nearest {
  readonly node: number;
  /** Bytes that it has not flushed yet. */
  readonly lag: Lsn;
}

/** Null when none of the nodes streams. */
async function nearestOf({ instance }: Situation, nodes: readonly number[]): Promise<Nearest | null> {
  const [row] = await instance.sql.query<{ name: string; lag: string }>(
    `SELECT application_name AS name, greatest(pg_current_wal_flush_lsn() - flush_lsn, 0)::text AS lag
       FROM pg_stat_replication
      WHERE application_name = ANY ($1) AND state = 'streaming' AND flush_lsn IS NOT NULL
      ORDER BY flush_lsn DESC LIMIT 1`,
    [nodes.map(standbyName)],
  );
  const node = row && nodeIdOf(row.name);
  return node === undefined ? null : { node, lag: BigInt(row?.lag ?? 0) };
}
