import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Milliseconds } from '@pgaf/core/durations';
import { PgafError } from '@pgaf/core/errors';
import type { State } from '@pgaf/core/states';
import { Wake } from '@pgaf/core/wake';
import { MonitorClient } from '@pgaf/monitor-client/monitor-client';
import { PaceInMotion } from '@pgaf/monitor-client/motion';
import type { Assignment } from '@pgaf/monitor-client/reports';
import type { Cause, GoalAt } from './delays.js';

/** The version of the setting that a primary confirms. */
function versionToConfirm({ goal, setting }: Assignment): number | undefined {
  return goal === 'primary' || goal === 'wait_primary' ? setting?.version : undefined;
}

/** What was said to the monitor of a group, and what its nodes were told. */
export interface Course {
  readonly causes: Cause[];
  readonly told: GoalAt[];
}

/** Milliseconds since 1970, with their fractions. */
export function wallClock(): Milliseconds {
  return performance.timeOrigin + performance.now();
}

const REPORT_EVERY: Milliseconds = 1000;
const LSN = '1/3000148';
const POSITION = 0x1_0300_0148n;
/** From where a node is promoted. */
const TAKES_OVER: ReadonlySet<State> = new Set(['secondary', 'prepare_promotion']);
/**
 * What a keeper with a Postgres needs: medians of a planned switchover of two nodes, from one line of `pgaf show events` to
 * the next. Who is there at once reports while the monitor still wakes all who listen to the order itself.
 */
const TAKES: Partial<Record<State, Milliseconds>> = {
  draining: 90,
  demoted: 15,
  wait_primary: 80,
  catchingup: 150,
  secondary: 40,
  primary: 80,
};
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined };

/** An order that is being carried out. */
interface Move {
  readonly to: Assignment;
  readonly doneAt: Milliseconds;
}

/**
 * A keeper without a Postgres: it takes the time of one that has one to be where it is told to be, reporting meanwhile, and
 * notes what it says and what it is told. It talks to the monitor by what keepers do.
 */
export class Actor {
  readonly #monitor: MonitorClient;
  readonly #wake = new Wake();
  #facts: Record<string, unknown> = { epoch: 1, confirmedSetting: 1 };
  #running = true;
  #tli = 1;
  #ended: Promise<void> = Promise.resolve();
  #stops = false;
  #move: Move | null = null;

  private constructor(
    uri: string,
    private readonly id: number,
    private readonly formation: string,
    private readonly course: Course,
    public state: State,
  ) {
    this.#monitor = new MonitorClient({
      conninfo: parseConnInfo(uri),
      applicationName: `actor ${id}`,
      logger: SILENT,
      connectTimeoutMs: 10_000,
    });
  }

  static async start(
    uri: string,
    node: { readonly id: number; readonly formation: string; readonly state: State },
    course: Course,
  ): Promise<Actor> {
    const actor = new Actor(uri, node.id, node.formation, course, node.state);
    actor.#monitor.onNews(node.formation, (news) => {
      if (news?.nodeId === node.id) actor.#note(news.goal);
      const ownEcho = news?.nodeId === node.id && news.goal === actor.state;
      if (!ownEcho) actor.#wake.ring();
    });
    await actor.#report();
    actor.#ended = actor.#act();
    return actor;
  }

  async stop(): Promise<void> {
    this.#stops = true;
    this.#wake.ring();
    await this.#ended;
    await this.#monitor.close();
  }

  /** The notification, or the answer, whichever comes first. */
  #note(goal: State): void {
    if (goal !== this.state) this.course.told.push({ node: this.id, goal, at: wallClock() });
  }

  /** Reports at the pace of a keeper, and at once when there is something to tell. */
  async #act(): Promise<void> {
    const pace = new PaceInMotion();
    while (!this.#stops) {
      this.#finishMove();
      const begun = performance.now();
      const assigned = await this.#report();
      const took = performance.now() - begun;
      const next = pace.next(took);
      if (assigned) {
        this.#note(assigned.goal);
        this.#beginMove(assigned);
      }
      const untilReport = assigned?.inMotion ? next - took : REPORT_EVERY;
      const untilDone = (this.#move?.doneAt ?? Infinity) - performance.now();
      // A timer that is given a part of a millisecond leaves it out, and is early.
      if (untilDone > 0) await this.#wake.wait(Math.ceil(Math.min(untilReport, untilDone)));
    }
  }

  /** Null when it was not answered, or with nothing: before anybody decides there is no assignment. */
  async #report(): Promise<Assignment | null> {
    try {
      return await this.#monitor.report({
        formation: this.formation,
        nodeId: this.id,
        group: 0,
        reported: this.state,
        postgresRunning: this.#running,
        tli: this.#tli,
        lsn: POSITION,
        syncState: 'unknown',
        facts: this.#facts,
      });
    } catch (error) {
      const isEarly = error instanceof PgafError && error.code === 'monitor-answer';
      if (!isEarly && !this.#stops) process.stderr.write(`node ${this.id}: ${String(error)}\n`);
      return null;
    }
  }

  #beginMove(to: Assignment): void {
    const under = this.#move?.to;
    if (under?.goal === to.goal && versionToConfirm(under) === versionToConfirm(to)) return;
    const takes = to.goal === this.state ? 0 : (TAKES[to.goal] ?? 0);
    this.#move = this.#isThere(to) ? null : { to, doneAt: performance.now() + takes };
  }

  #finishMove(): void {
    if (!this.#move || performance.now() < this.#move.doneAt) return;
    const { goal, epoch } = this.#move.to;
    const late = performance.now() - this.#move.doneAt;
    const confirmed = versionToConfirm(this.#move.to);
    this.#move = null;
    if (goal !== this.state) this.#take(goal, epoch);
    if (confirmed !== undefined) this.#facts = { ...this.#facts, confirmedSetting: confirmed };
    const saidAt = wallClock();
    this.course.causes.push({ since: 'report', at: saidAt - late, saidAt });
  }

  #isThere(to: Assignment): boolean {
    const confirmed = versionToConfirm(to);
    return (
      to.goal === this.state && (confirmed === undefined || confirmed === this.#facts['confirmedSetting'])
    );
  }

  #take(goal: State, epoch: number): void {
    if (goal === 'draining') {
      this.#running = false;
      this.#facts = { epoch, stopped: { belowEpoch: epoch + 1, finalLsn: LSN } };
    } else if (goal === 'prepare_promotion') {
      this.#facts = { epoch, promise: { epoch: epoch + 1, tli: this.#tli, lsn: LSN } };
    } else if (goal === 'wait_primary' && TAKES_OVER.has(this.state)) {
      this.#tli += 1;
      this.#facts = { epoch, promoted: { epoch, tli: this.#tli, switchpoint: LSN } };
    } else if (goal === 'catchingup') {
      this.#running = true;
      this.#tli = epoch;
      this.#facts = { epoch };
    }
    this.state = goal;
  }
}
