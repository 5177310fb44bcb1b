import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import { until } from '@pgaf/testing/deadline';
import type { Formation, Member } from '@pgaf/testing/formation';
import { Timeline } from '../../crash/timeline.js';
import { KeepRunning } from '../../keep-running.js';
import { CitusClients, type Met } from '../citus-clients.js';
import {
  coordinatorUri,
  layOutCitus,
  onCoordinator,
  startCitusPairs,
  type CitusOptions,
} from '../citus-formation.js';
import { contradictions, lostRows, makeTables } from '../citus-tables.js';
import { sentenceOf, type Case, type Strike } from './draw.js';
import { whatIsLeft } from './what-is-left.js';

export const WORKER_GROUPS = 3;

/** A client that gives up what nobody answers, as those of a frozen host must. */
const ANSWER_WITHIN: Milliseconds = 4000;
/** Leaves the processors to what is tested. */
const CLIENT_PAUSE: Milliseconds = 20;
const GO_ON_TIMES = 3;
const GO_ON_WITHIN: Milliseconds = 60_000;
const STABLE_WITHIN: Milliseconds = 120_000;
/** Prepared transactions of Citus are seen to every 5 s, metadata are synced every second. */
const LEAVES_NOTHING_WITHIN: Milliseconds = 30_000;
/** A command that meets a fault ends with it, or by its own limits. */
const COMMAND_HANGS: Milliseconds = 90_000;

export interface Played {
  readonly ms: Milliseconds;
  readonly stall: Milliseconds;
}

/** A coordinator pair and three pairs of workers under load, to which faults happen. */
export class Chaos {
  readonly #timeline = new Timeline();
  readonly #clients: CitusClients;
  #met: Met | null = null;

  private constructor(
    readonly formation: Formation,
    private readonly services: KeepRunning,
  ) {
    this.#clients = new CitusClients(coordinatorUri(formation), 1, {
      answerWithinMs: ANSWER_WITHIN,
      pauseMs: CLIENT_PAUSE,
    });
  }

  static async open(options: CitusOptions = {}): Promise<Chaos> {
    const formation = await layOutCitus(WORKER_GROUPS, 0, options);
    try {
      await startCitusPairs(formation);
      await onCoordinator(formation, makeTables);
      return new Chaos(formation, new KeepRunning(formation));
    } catch (error) {
      await formation.dispose();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.services.end();
    await this.formation.dispose();
  }

  rowsAcknowledged(): number {
    return this.#met?.acknowledged.length ?? 0;
  }

  /** Of all that was acknowledged; all of it when nobody can be asked. */
  async rowsLost(): Promise<number> {
    const met = this.#met;
    if (!met) return 0;
    return onCoordinator(this.formation, (client) => lostRows(client, met)).then(
      (lost) => lost.length,
      () => this.rowsAcknowledged(),
    );
  }

  /**
   * Plays a case under load; afterwards every node is well, has every acknowledged row, and nothing is left behind.
   * @throws Error that says what is not so, and what happened.
   */
  async play(what: Case): Promise<Played> {
    const start = performance.now();
    this.#timeline.restart();
    this.#timeline.add(sentenceOf(what));
    try {
      this.#clients.start();
      await this.#clients.untilAllGoOn(GO_ON_TIMES, GO_ON_WITHIN);
      await this.#happen(what);
      await this.formation.waitUntilReported();
      await this.formation.waitUntilStable(STABLE_WITHIN);
      this.#timeline.add('every node is stable');
      await this.#clients.untilAllGoOn(GO_ON_TIMES, GO_ON_WITHIN);
      const { stall } = await this.#stopClients();
      await this.#leavesNothing();
      await this.#hasEverything();
      if (this.services.unexpected.length > 0) throw new Error(this.services.unexpected.join('\n'));
      return { ms: performance.now() - start, stall };
    } catch (error) {
      throw await this.#withStory(error);
    } finally {
      await this.#stopClients();
    }
  }

  /** The order and the faults, until the order has its answer and every fault has passed. */
  async #happen({ switchover, strikes }: Case): Promise<void> {
    const states = await this.formation.states();
    const memberOf = (strike: Strike): Member | null => {
      if (strike.whom === 'clients') return null;
      if (strike.whom === 'monitor') return this.formation.monitor;
      const { group, side } = strike;
      const goal = side === 'primary' ? 'primary' : 'secondary';
      const found = states.find((one) => one.group === group && one.goal === goal);
      if (!found) throw new Error(`group ${group} has no ${side}`);
      return this.formation.named(found.name);
    };
    await Promise.all([
      switchover === null ? undefined : this.#switchOver(switchover),
      ...strikes.map((strike) => this.#strike(strike, memberOf(strike))),
    ]);
  }

  async #switchOver(group: number): Promise<void> {
    const { status, stderr, elapsedMs } = await this.formation.onMonitor(
      ['perform', 'switchover', '--group', String(group)],
      { deadlineMs: COMMAND_HANGS },
    );
    const said = stderr.trim().split('\n').slice(-2).join(' ');
    this.#timeline.add(`the switchover of group ${group} ended with ${status}: ${said}`);
    if (elapsedMs >= COMMAND_HANGS) throw new Error('pgaf perform switchover does not come to its end');
  }

  async #strike(strike: Strike, member: Member | null): Promise<void> {
    await pause(strike.delayMs);
    if (strike.whom === 'clients' || !member) {
      this.#clients.crash();
      this.#timeline.add('clients killed');
      return;
    }
    const undo = await strike.fault.strike(member, this.services);
    this.#timeline.add(`${member.host.name}: ${strike.fault.name}`);
    if (!undo) return;
    await pause(strike.lastsMs);
    undo();
    this.#timeline.add(`${member.host.name}: ${strike.fault.name} no more`);
  }

  async #stopClients(): Promise<Met> {
    return (this.#met = await this.#clients.stop());
  }

  async #leavesNothing(): Promise<void> {
    let left: string[] = [];
    const wait = {
      what: 'nothing to be left',
      deadlineMs: LEAVES_NOTHING_WITHIN,
      everyMs: 250,
      seen: () => `left behind:\n${left.join('\n')}`,
    };
    await until(wait, async () => {
      left = await whatIsLeft(this.formation);
      return left.length === 0;
    });
  }

  async #hasEverything(): Promise<void> {
    const met = this.#met;
    if (!met) return;
    const found = await onCoordinator(this.formation, (client) => contradictions(client, met));
    if (found.length > 0) throw new Error(found.join('\n'));
  }

  async #withStory(error: unknown): Promise<Error> {
    const text = error instanceof Error ? error.message : String(error);
    const failures = this.#clients.failures.slice(-10).map(({ client, message }) => `${client}: ${message}`);
    const story = ['timeline:', this.#timeline.text(), 'clients:', ...failures];
    if (!text.includes('states:')) story.push(await this.formation.describe());
    return new Error(`${text}\n${story.join('\n')}`, { cause: error });
  }
}
