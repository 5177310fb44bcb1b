import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import { until } from '@pgaf/testing/deadline';
import { sendSignal } from '@pgaf/testing/end-processes';
import type { Formation, Member } from '@pgaf/testing/formation';
import { LogWatch, type LogRecord } from '../crash/log-watch.js';
import { Timeline } from '../crash/timeline.js';
import { KeepRunning } from '../keep-running.js';
import { whatIsLeft } from './chaos/what-is-left.js';
import { CitusClients, type Met } from './citus-clients.js';
import {
  coordinatorUri,
  layOutCitus,
  onCoordinator,
  primaryOfGroup,
  startCitusPairs,
} from './citus-formation.js';
import { contradictions, makeTables } from './citus-tables.js';

/** The workers’ group. */
const GROUP = 1;
/** What was killed with its host is back by then. */
const DOWN_FOR: Milliseconds = 2000;
const GO_ON_WITHIN: Milliseconds = 60_000;
const STABLE_WITHIN: Milliseconds = 120_000;
const LEAVES_NOTHING_WITHIN: Milliseconds = 30_000;
const COMMAND_HANGS: Milliseconds = 90_000;

/** What the keepers of the workers log on the way of each, `from->to step`. */
export const MOMENTS = {
  switchover: [
    // It asks for the pause.
    'primary->draining plugin',
    'primary->draining stopPostgres',
    'secondary->wait_primary promote',
    'secondary->wait_primary reached',
  ],
  failover: ['prepare_promotion->wait_primary promote', 'prepare_promotion->wait_primary reached'],
} as const;

/** What the coordinator’s keeper logs on the way of a switchover. */
export const MOMENTS_OF_THE_PAUSE = ['the pause is held', 'the pause is over'] as const;

export type Way = keyof typeof MOMENTS;
export const VICTIMS = ['coordinator', 'keeper of the coordinator', 'monitor', 'clients'] as const;
export type Victim = (typeof VICTIMS)[number];

/** A coordinator pair and a pair of workers under load; at a step of the workers something else crashes. */
export class CrashAtSteps {
  readonly #timeline = new Timeline();
  readonly #clients: CitusClients;
  readonly #watches: readonly LogWatch[];
  #onMoment: (moment: string) => void = () => {};

  private constructor(
    readonly formation: Formation,
    private readonly services: KeepRunning,
  ) {
    this.#clients = new CitusClients(coordinatorUri(formation), 1, { answerWithinMs: 15_000, pauseMs: 20 });
    this.#watches = formation.nodes.map(
      ({ host }) => new LogWatch(host.directory, (record) => this.#hear(record, host.name)),
    );
  }

  static async open(): Promise<CrashAtSteps> {
    const formation = await layOutCitus(1, 0, { logging: ['-vv'] });
    try {
      await startCitusPairs(formation);
      await onCoordinator(formation, makeTables);
      return new CrashAtSteps(formation, new KeepRunning(formation));
    } catch (error) {
      await formation.dispose();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.services.end();
    for (const watch of this.#watches) watch.close();
    await this.formation.dispose();
  }

  /**
   * The group is switched over, or its primary lost; at the moment the victim crashes. It completes or is undone.
   * @throws Error that says what is not so afterwards, with what happened.
   */
  async play(way: Way, moment: string, victim: Victim): Promise<void> {
    this.#timeline.restart();
    let met: Met | null = null;
    try {
      this.#clients.start();
      await this.#clients.untilAllGoOn(2, GO_ON_WITHIN);
      const coordinator = await primaryOfGroup(this.formation, 0);
      const crash = this.#at(moment, () => this.#crash(victim, coordinator));
      await this.#begin(way);
      await crash;
      await this.formation.waitForMonitor();
      await this.formation.waitUntilReported();
      await this.formation.waitUntilStable(STABLE_WITHIN);
      this.#timeline.add('every node is stable');
      await this.#clients.untilAllGoOn(2, GO_ON_WITHIN);
      met = await this.#clients.stop();
      await this.#leavesNothing();
      const told = met;
      const found = await onCoordinator(this.formation, (client) => contradictions(client, told));
      if (found.length > 0) throw new Error(found.join('\n'));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`${text}\ntimeline:\n${this.#timeline.text()}`, { cause: error });
    } finally {
      this.#onMoment = () => {};
      if (!met) await this.#clients.stop();
    }
  }

  async #begin(way: Way): Promise<void> {
    const primary = await primaryOfGroup(this.formation, GROUP);
    if (way === 'switchover') {
      const words = ['perform', 'switchover', '--group', String(GROUP)];
      const { status, elapsedMs } = await this.formation.onMonitor(words, { deadlineMs: COMMAND_HANGS });
      this.#timeline.add(`the switchover ended with ${status}`);
      if (elapsedMs >= COMMAND_HANGS) throw new Error('pgaf perform switchover does not come to its end');
      return;
    }
    // A stream that began after the primary's last report proves nothing by its end.
    await this.formation.waitUntilReported();
    this.#timeline.add(`every process of ${primary.host.name} is killed`);
    await this.services.takeDown(primary);
    await pause(DOWN_FOR);
    this.services.bringUp(primary);
  }

  /** Waits for the moment, as the logs have it, and for what is done then. */
  async #at(moment: string, strike: () => Promise<void>): Promise<void> {
    let struck: Promise<void> | null = null;
    this.#onMoment = (one) => {
      if (one === moment) struck ??= strike();
    };
    const seen = (): string => this.#timeline.text();
    await until({ what: `the moment "${moment}"`, deadlineMs: GO_ON_WITHIN, seen }, () => struck !== null);
    await (struck as Promise<void> | null);
  }

  async #crash(victim: Victim, coordinator: Member): Promise<void> {
    this.#timeline.add(`crash: ${victim}`);
    if (victim === 'clients') return this.#clients.crash();
    if (victim === 'keeper of the coordinator') {
      const { service } = coordinator;
      if (service) sendSignal(service.pid, 'SIGKILL');
      return;
    }
    const host = victim === 'monitor' ? this.formation.monitor : coordinator;
    await this.services.takeDown(host);
    await pause(DOWN_FOR);
    this.services.bringUp(host);
  }

  async #leavesNothing(): Promise<void> {
    let left: string[] = [];
    const seen = (): string => `left behind:\n${left.join('\n')}`;
    const wait = { what: 'nothing to be left', deadlineMs: LEAVES_NOTHING_WITHIN, everyMs: 250, seen };
    await until(wait, async () => {
      left = await whatIsLeft(this.formation);
      return left.length === 0;
    });
  }

  #hear(record: LogRecord, host: string): void {
    const moment = momentOf(record);
    if (moment === null) return;
    this.#timeline.add(`${host}: ${moment}`);
    this.#onMoment(moment);
  }
}

function momentOf({ from, to, step, msg }: LogRecord): string | null {
  if (/^Queries to group \d+ are held up/.test(msg)) return 'the pause is held';
  if (/^Queries to group \d+ were held up/.test(msg)) return 'the pause is over';
  if (from === undefined || to === undefined || from === to) return null;
  if (step !== undefined && msg.endsWith(' begins')) return `${from}->${to} ${step}`;
  return msg.startsWith('Reached state') ? `${from}->${to} reached` : null;
}
