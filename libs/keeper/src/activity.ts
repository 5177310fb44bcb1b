import { findEdge, type EdgeTable } from '@pgaf/fsm/edge-table';
import type { Outcome } from '@pgaf/core/result';
import { canTakeWrites, type State } from '@pgaf/core/states';
import type { Step } from '@pgaf/plugin-api';
import { runEdge, type Obstacle } from './run-edge.js';
import type { Situation } from './situation.js';
import { needsPostgres, whatMustHold } from './what-must-hold.js';
import { dueUpkeep } from './upkeep.js';

/** What a keeper does besides watching: the way to its goal, or what its state asks for. One at a time. */
interface Work {
  readonly key: string;
  readonly steps: readonly Step[];
  readonly from: State;
  /** The state that is reached; null for upkeep. */
  readonly reaches: State | null;
}

interface Running extends Work {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

export class Activity {
  readonly #situation: Situation;
  readonly #edges: EdgeTable;
  readonly #runStep: (step: Step, signal: AbortSignal) => Promise<Outcome>;
  /** Called when something to report has changed. */
  readonly #news: () => void;
  #running: Running | null = null;
  #halted = false;

  constructor(parts: {
    readonly situation: Situation;
    readonly edges: EdgeTable;
    readonly runStep: (step: Step, signal: AbortSignal) => Promise<Outcome>;
    readonly news: () => void;
  }) {
    this.#situation = parts.situation;
    this.#edges = parts.edges;
    this.#runStep = parts.runStep;
    this.#news = parts.news;
  }

  get idle(): boolean {
    return this.#running === null;
  }

  /** Begins what is due now; what is under way and no longer due is told to end first. */
  pursue(): void {
    const due = this.#halted ? null : this.#due();
    if (this.#running) {
      if (this.#running.key !== due?.key) this.#running.controller.abort();
      return;
    }
    if (due) this.#begin(due);
  }

  /** Ends what is under way, and begins nothing any more. */
  async halt(): Promise<void> {
    this.#halted = true;
    this.#running?.controller.abort();
    await this.#running?.ended;
  }

  #due(): Work | null {
    const { state, assignment, instance, leaving } = this.#situation;
    if (leaving && whatMustHold(state.goal) !== 'stopped') return null;
    if (this.#situation.hangsForGood() && needsPostgres(state.current) && needsPostgres(state.goal)) {
      return { key: 'stopPostgres', steps: [{ do: 'stopPostgres' }], from: state.current, reaches: null };
    }
    if (state.current !== state.goal) {
      // A goal from before this process started is confirmed or replaced by the first contact.
      if (!assignment) return this.#opening();
      // Such as another setting of the primary, or the loss of a standby: it would start what somebody has stopped.
      const staysUp = needsPostgres(state.goal) && whatMustHold(state.current) === whatMustHold(state.goal);
      if (staysUp && state.paused && !instance.isRunning()) {
        this.#meet({ step: null, tag: 'retry', reason: 'this node is paused, and its Postgres is stopped' });
        return null;
      }
      const edge = findEdge(this.#edges, state.current, state.goal);
      if (!edge) {
        this.#meet({
          step: null,
          tag: 'fatal',
          reason: `no way leads from ${state.current} to ${state.goal}`,
        });
        return null;
      }
      const key = `${edge.from}->${edge.to} in epoch ${state.epoch}`;
      return { key, steps: edge.steps, from: edge.from, reaches: edge.to };
    }
    const steps = dueUpkeep(this.#situation, performance.now());
    if (steps.length === 0) return this.#opening();
    return { key: steps.map((step) => step.do).join(), steps, from: state.current, reaches: null };
  }

  /**
   * A leader whose Postgres is down, and nothing else is due: it is opened by force, or started without clients, and it
   * says for whom it waits.
   */
  #opening(): Work | null {
    const { state, instance, closedAt, config } = this.#situation;
    const { current, goal, paused, stopped } = state;
    if (!canTakeWrites(current) || !canTakeWrites(goal) || paused) return null;
    if (instance.isRunning() && closedAt === null) return null;
    const forced = this.#situation.opensByForce() && stopped === null;
    if (!instance.isRunning() && (forced || this.#situation.mayBeProved())) {
      return { key: 'startPostgres', steps: [{ do: 'startPostgres' }], from: current, reaches: null };
    }
    if (!this.#situation.monitorOrdersNothing() || this.#situation.mayOpen()) return null;
    this.#meet({
      step: 'startPostgres',
      tag: 'retry',
      reason: this.#situation.openingWaitsFor(),
      hint: `\`pgaf run --force --pgdata ${config.pgdata}\` opens it without; see first that no other node takes writes.`,
    });
    return null;
  }

  #begin(work: Work): void {
    const controller = new AbortController();
    const { signal } = controller;
    const run = runEdge({
      steps: work.steps,
      signal,
      runStep: (step) => this.#told(step, work, signal),
      arrive: () => {
        if (work.reaches) this.#arrive(work.reaches);
      },
      waitingFor: (obstacle) => this.#meet(obstacle),
    });
    const ended = run.then((end) => {
      this.#running = null;
      if (end === 'aborted') this.#situation.obstacle = null;
      this.#news();
    });
    this.#running = { ...work, controller, ended };
  }

  async #told(step: Step, { from, reaches }: Work, signal: AbortSignal): Promise<Outcome> {
    const { log } = this.#situation;
    const about = { step: step.do, from, to: reaches ?? from };
    log.debug(`Step ${step.do} begins`, about);
    const begun = performance.now();
    try {
      return await this.#runStep(step, signal);
    } finally {
      log.debug(`Step ${step.do} has ended`, { ...about, ms: Math.round(performance.now() - begun) });
    }
  }

  #arrive(state: State): void {
    const { current: from } = this.#situation.state;
    this.#situation.remember({ current: state });
    this.#situation.log.info(`Reached state "${state}"`, { from, to: state });
  }

  #meet(obstacle: Obstacle | null): void {
    const before = this.#situation.obstacle;
    this.#situation.obstacle = obstacle;
    if (before?.reason === obstacle?.reason) return;
    if (obstacle) {
      const fields = {
        ...(obstacle.step === null ? {} : { step: obstacle.step }),
        ...(obstacle.hint === undefined ? {} : { hint: obstacle.hint }),
      };
      if (obstacle.tag === 'fatal') this.#situation.log.error(obstacle.reason, fields);
      else this.#situation.log.info(`Waiting: ${obstacle.reason}`, fields);
    }
    this.#news();
  }
}
