import { Lane, pathTo } from './lane.js';
import type { Moment } from './moments.js';
import { momentsOf, OPERATIONS, type Operation, type Shape } from './operations.js';
import type { Plan, Played } from './run-operation.js';
import { VICTIMS, type Victim } from './victims.js';

/** One operation with one victim: killed at each of the operation's moments, over several runs. */
export interface Job {
  readonly operation: Operation;
  readonly victim: Victim;
}

export interface JobResult {
  /** Moments at which the victim was killed. */
  readonly hit: readonly Moment[];
  /** Moments at which no such process ran. */
  readonly absent: readonly Moment[];
  /** Moments that never came, or came while there was no process that should have been. */
  readonly missed: readonly Moment[];
  readonly runs: number;
  /** One run at least went the way that the operation is named for. */
  readonly told: boolean;
  readonly error: Error | null;
}

export const JOBS: readonly Job[] = OPERATIONS.flatMap((operation) =>
  VICTIMS.filter((victim) => victim.takesPartIn(operation)).map((victim) => ({ operation, victim })),
);

/** Runs in a row in which no moment that was aimed at came; a fault may lead another way. */
const VAIN_RUNS = 4;

class OpenJob {
  readonly open: Moment[];
  readonly hit: Moment[] = [];
  readonly absent: Moment[] = [];
  runs = 0;
  #told = false;
  #vain = 0;
  readonly result: Promise<JobResult>;
  #settle: (result: JobResult) => void = () => {};
  ended = false;

  constructor(readonly job: Job) {
    this.open = momentsOf(job.operation);
    this.result = new Promise((resolve) => (this.#settle = resolve));
  }

  /** Aims at some of the moments that are open, far from each other. */
  plan(): Plan {
    const apart = Math.max(1, Math.ceil(this.open.length / this.job.victim.faultsPerRun));
    const aims = new Set(this.open.filter((_, i) => i % apart === 0));
    return {
      strikeAt: (moment) => (aims.delete(moment) ? { victim: this.job.victim, delayMs: 0 } : null),
      struck: (moment, victim, found) => {
        if (!found && !victim.mayBeAbsent(this.job.operation)) return;
        (found ? this.hit : this.absent).push(moment);
        this.open.splice(this.open.indexOf(moment), 1);
      },
    };
  }

  async run(play: (plan: Plan) => Promise<Played>): Promise<void> {
    const before = this.open.length;
    this.runs++;
    try {
      const { told } = await play(this.plan());
      this.#told ||= told;
    } catch (error) {
      this.end(asError(error));
      throw error;
    }
    this.#vain = this.open.length < before ? 0 : this.#vain + 1;
    if (this.open.length === 0 || this.#vain === VAIN_RUNS) this.end(null);
  }

  end(error: Error | null): void {
    this.ended = true;
    const { hit, absent, open, runs } = this;
    this.#settle({ hit, absent, missed: open, runs, told: this.#told, error });
  }
}

/**
 * Plays all jobs on a few formations at once, each of which goes from shape to shape by the operations
 * themselves.
 */
export class Matrix {
  readonly #jobs: readonly OpenJob[];
  readonly #taken = new Set<OpenJob>();
  readonly #open = new Set<Lane>();

  constructor(
    jobs: readonly Job[],
    private readonly lanes: number,
  ) {
    this.#jobs = jobs.map((job) => new OpenJob(job));
  }

  /** Settles when the job has come to its end. */
  result(job: Job): Promise<JobResult> {
    const found = this.#jobs.find((one) => one.job === job);
    if (!found) throw new RangeError(`${job.operation.name} is not in this matrix`);
    return found.result;
  }

  /** Until each job has its result; one that cannot be played has an error. */
  async play(): Promise<void> {
    const lanes = Array.from({ length: this.lanes }, () => this.#playLane());
    await Promise.all(lanes).catch((error: unknown) => this.#endAll(asError(error)));
  }

  /** Ends what is still played, as after a deadline. */
  async close(): Promise<void> {
    this.#endAll(new Error('the matrix was ended before'));
    await Promise.all([...this.#open].map((lane) => this.#closeLane(lane)));
  }

  #endAll(error: Error): void {
    for (const job of this.#jobs) if (!job.ended) job.end(error);
  }

  #left(): OpenJob[] {
    return this.#jobs.filter((one) => !one.ended && !this.#taken.has(one));
  }

  async #playLane(): Promise<void> {
    let lane: Lane | null = null;
    for (;;) {
      if (this.#left().length === 0) break;
      lane ??= await this.#openLane();
      // Nothing is awaited between the look and the taking: another lane would take the same.
      const left = this.#left();
      if (left.length === 0) break;
      const next = bestOf(left, lane.shape);
      this.#taken.add(next);
      try {
        await lane.reach(next.job.operation.from);
        const on = lane;
        await next.run((plan) => on.play(next.job.operation, plan));
      } catch (error) {
        if (!next.ended) next.end(asError(error));
        await this.#closeLane(lane);
        lane = null;
      } finally {
        this.#taken.delete(next);
      }
    }
    if (lane) await this.#closeLane(lane);
  }

  async #openLane(): Promise<Lane> {
    const lane = await Lane.open();
    this.#open.add(lane);
    return lane;
  }

  async #closeLane(lane: Lane): Promise<void> {
    this.#open.delete(lane);
    await lane.close();
  }
}

/** One that begins where the formation stands, the longest first. */
function bestOf(jobs: readonly OpenJob[], shape: Shape): OpenJob {
  const [best] = jobs.toSorted(
    (a, b) =>
      distance(shape, a.job.operation.from) - distance(shape, b.job.operation.from) ||
      b.open.length - a.open.length,
  );
  if (!best) throw new RangeError('no job is left');
  return best;
}

function distance(from: Shape, to: Shape): number {
  return pathTo(from, to).length;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
