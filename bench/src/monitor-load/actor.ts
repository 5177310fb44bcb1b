import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Milliseconds } from '@pgaf/core/durations';
import { PgafError } from '@pgaf/core/errors';
import type { State } from '@pgaf/core/states';
import { Wake } from '@pgaf/core/wake';
import { MonitorClient } from '@pgaf/monitor-client/monitor-client';
import { PaceInMotion } from '@pgaf/monitor-client/motion';
import type { Assignment } from '@pgaf/monitor-client/reports';
import type { Delay } from './delays.js';

/** When the group last told the monitor something new, or its operator did: what a new goal answers to. */
export interface Cause {
  at: Milliseconds;
  since: Delay['since'];
  /** What was told since the order, `<node> <goal>`: an announcement may come after the answer to a report. */
  readonly told: Set<string>;
}

const REPORT_EVERY: Milliseconds = 1000;
const LSN = '1/3000148';
const POSITION = 0x1_0300_0148n;
/** From where a node is promoted. */
const TAKES_OVER: ReadonlySet<State> = new Set(['secondary', 'prepare_promotion']);
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined };

/**
 * A keeper without a Postgres: it is at once where it is told to be, and notes how long each order was under way. It talks
 * to the monitor by what keepers do.
 */
export class Actor {
  /** From a report, or the order, to the notification, or the answer, that first told of the goal that it brought about. */
  readonly delays: Delay[] = [];
  readonly #monitor: MonitorClient;
  readonly #wake = new Wake();
  #facts: Record<string, unknown> = { epoch: 1, confirmedSetting: 1 };
  #running = true;
  #tli = 1;
  #ended: Promise<void> = Promise.resolve();
  #stops = false;

  private constructor(
    uri: string,
    private readonly id: number,
    private readonly formation: string,
    private readonly cause: Cause,
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
    cause: Cause,
  ): Promise<Actor> {
    const actor = new Actor(uri, node.id, node.formation, cause, node.state);
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

  #note(goal: State): void {
    const told = `${this.id} ${goal}`;
    if (goal === this.state || this.cause.told.has(told)) return;
    this.cause.told.add(told);
    this.delays.push({ since: this.cause.since, goal, ms: performance.now() - this.cause.at });
  }

  /** Reports at the pace of a keeper, and at once when there is something to tell. */
  async #act(): Promise<void> {
    const pace = new PaceInMotion();
    while (!this.#stops) {
      const begun = performance.now();
      const assigned = await this.#report();
      const took = performance.now() - begun;
      const next = pace.next(took);
      if (assigned) this.#note(assigned.goal);
      if (assigned && this.#moveTo(assigned)) {
        this.cause.at = performance.now();
        this.cause.since = 'report';
      } else {
        await this.#wake.wait(assigned?.inMotion ? next - took : REPORT_EVERY);
      }
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

  /** @returns false when there is nothing new to tell */
  #moveTo({ goal, epoch, setting }: Assignment): boolean {
    const confirmed = goal === 'primary' || goal === 'wait_primary' ? setting?.version : undefined;
    const before = JSON.stringify([this.state, this.#facts]);
    if (goal !== this.state) this.#take(goal, epoch);
    if (confirmed !== undefined) this.#facts = { ...this.#facts, confirmedSetting: confirmed };
    return JSON.stringify([this.state, this.#facts]) !== before;
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
