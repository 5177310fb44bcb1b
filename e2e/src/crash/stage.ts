import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT } from '@pgaf/core/errors';
import { Formation, isStable, type FormationOptions, type Member } from '@pgaf/testing/formation';
import type { Service } from '@pgaf/testing/host';
import { LogWatch, type LogRecord } from './log-watch.js';
import { momentOf, type Moment } from './moments.js';
import { postmasterPid, servicePid } from './node-processes.js';
import type { Shape } from './operations.js';
import { Timeline } from './timeline.js';

export type StageOptions = Pick<FormationOptions, 'pgctl' | 'directory'>;
export type OnMoment = (moment: Moment, node: Member) => void;

const TRY_AGAIN_AFTER: Milliseconds = 300;
const COMMAND_DEADLINE: Milliseconds = 90_000;
/** Every fault is over by then. */
const COMMAND_HANGS: Milliseconds = 45_000;

/**
 * A monitor and up to two nodes whose services are started again whenever something kills them, as an init system
 * does, and operators who type a command again when it was cut off.
 */
export class Stage {
  readonly timeline = new Timeline();
  /** The operator's command under way. */
  command: Service | null = null;
  /** What went wrong apart from the states: each ends the run that it happened in. */
  readonly faults: string[] = [];
  #onMoment: OnMoment = () => {};
  #onLine: (text: string) => void = () => {};
  readonly #kept = new Map<Member, readonly string[][]>();
  /** Each ends when the member is kept no more, and its service has ended. */
  readonly #keeping = new Map<Member, Promise<void>>();
  readonly #watches: LogWatch[];
  /** The node of which every process was killed. */
  lost: Member | null = null;

  private constructor(readonly formation: Formation) {
    const members = [formation.monitor, ...formation.nodes];
    this.#watches = members.map(
      ({ host }) => new LogWatch(host.directory, (record) => this.#hear(record, host.name)),
    );
  }

  /** A monitor without nodes. */
  static async open(options: StageOptions = {}): Promise<Stage> {
    const formation = await Formation.layOut({ nodes: 2, logging: ['-vv'], ...options });
    const stage = new Stage(formation);
    try {
      await formation.startMonitor();
      stage.#keep(formation.monitor, [formation.runCommand(formation.monitor)]);
      return stage;
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#kept.clear();
    for (const watch of this.#watches) watch.close();
    await this.formation.dispose();
  }

  onMoment(listener: OnMoment): void {
    this.#onMoment = listener;
  }

  /** Hears every line that a service logs. */
  onLine(listener: (text: string) => void): void {
    this.#onLine = listener;
  }

  get nodes(): readonly Member[] {
    return this.formation.nodes;
  }

  /** Nodes whose service is kept running. */
  presentNodes(): Member[] {
    return this.nodes.filter((node) => this.#kept.has(node));
  }

  presentNode(): Member {
    const [node] = this.presentNodes();
    if (!node) throw new Error('no node is there');
    return node;
  }

  /** The number of a node that is not there. */
  absentNode(): number {
    return this.nodes.findIndex((node) => !this.#kept.has(node)) + 1;
  }

  lostNode(): Member {
    if (!this.lost) throw new Error('no node was lost');
    return this.lost;
  }

  /** `create`, typed again when it is killed; `run` instead when it says that this goes on. */
  async create(number: number): Promise<void> {
    const node = this.formation.node(number);
    await this.#start(node, this.formation.createCommand(node));
    this.#keep(node, [this.formation.createCommand(node), this.formation.runCommand(node)]);
  }

  async switchOver(): Promise<void> {
    const { host } = this.formation.monitor;
    await this.#type(this.formation.monitor, ['perform', 'switchover', '--pgdata', host.pgdata]);
  }

  /** Every process of the node is killed at once, and nobody starts it again. */
  async lose(node: Member): Promise<void> {
    this.lost = node;
    this.#kept.delete(node);
    this.timeline.add(`every process of ${node.host.name} is killed`);
    await node.host.killEverything();
    node.service = undefined;
  }

  async bringBack(): Promise<void> {
    const node = this.lostNode();
    this.lost = null;
    await this.#start(node, this.formation.runCommand(node));
    this.#keep(node, [this.formation.runCommand(node)]);
  }

  /**
   * `drop node --destroy` on the node itself, typed again until it is done. One that was killed after its last removal
   * leaves nothing that the next could find.
   */
  async drop(node: Member): Promise<void> {
    const words = ['drop', 'node', '--pgdata', node.host.pgdata, '--destroy'];
    const deadline = performance.now() + COMMAND_DEADLINE;
    for (;;) {
      const status = await this.#type(node, words);
      if (status === EXIT.ok || (status === EXIT.badConfiguration && !existsSync(node.host.pgdata))) break;
      if (performance.now() > deadline) throw new Error(`pgaf ${words.join(' ')} does not come to its end`);
      await pause(TRY_AGAIN_AFTER);
    }
    this.#kept.delete(node);
    // A service that was being started again meanwhile must not be taken for that of the next node of the name.
    await this.#keeping.get(node);
  }

  /** Waits until the formation has the shape, by what every node that is there has reported since. */
  async untilShape(shape: Shape, deadlineMs: Milliseconds = 90_000): Promise<void> {
    const { formation } = this;
    const end = performance.now() + deadlineMs;
    const left = (): Milliseconds => Math.max(1000, end - performance.now());
    await formation.wait(
      'a monitor service that decides',
      () => formation.probe.hasService(),
      undefined,
      left(),
    );
    await this.#untilReported(left());
    await formation.wait(`the shape "${shape}"`, () => this.#has(shape), undefined, left());
    for (const node of this.presentNodes()) this.#kept.set(node, [formation.runCommand(node)]);
  }

  /** True when the formation has the shape now. */
  async has(shape: Shape): Promise<boolean> {
    return this.#has(shape).catch(() => false);
  }

  /** What the monitor says that a failover waits for. */
  async waitsFor(): Promise<string[]> {
    const rows = await this.formation.probe
      .query<{ waiting: string[] }>('SELECT waiting FROM pgautofailover.group_state')
      .catch(() => []);
    return rows.flatMap(({ waiting }) => waiting);
  }

  /** Every process of the nodes and the monitor, as the stage knows them: services, and postmasters by directory. */
  get members(): readonly Member[] {
    return [this.formation.monitor, ...this.nodes];
  }

  isKept(member: Member): boolean {
    return this.#kept.has(member);
  }

  async #has(shape: Shape): Promise<boolean> {
    if (this.faults.length > 0) return true;
    const states = await this.formation.states();
    switch (shape) {
      case 'empty':
        return states.length === 0;
      case 'one':
        return states.length === 1 && isStable(states) && this.#allRun();
      case 'two':
        return states.length === 2 && isStable(states) && this.#allRun();
      case 'lost':
        return states.some((s) => s.reported === 'wait_primary' && s.goal === s.reported && s.health === 1);
    }
  }

  /** A service that has just been started is not there yet to a command, which goes by the pid file. */
  #allRun(): boolean {
    return this.presentNodes().every(
      (node) =>
        node.service !== undefined && servicePid(node) === node.service.pid && postmasterPid(node) !== null,
    );
  }

  async #untilReported(deadlineMs: Milliseconds): Promise<void> {
    const { probe } = this.formation;
    const names = this.presentNodes().map(({ host }) => host.name);
    const since = await this.formation.wait('the time', async () => {
      const [row] = await probe.query<{ now: string }>('SELECT clock_timestamp()::text AS now');
      return row?.now;
    });
    const all = async (): Promise<boolean> => {
      if (this.faults.length > 0) return true;
      const [row] = await probe.query<{ count: number }>(
        `SELECT count(*)::int FROM pgautofailover.node WHERE reporttime > $1::timestamptz AND nodename = ANY($2)`,
        [since, names],
      );
      return row?.count === names.length;
    };
    await this.formation.wait('a new report of each node', all, undefined, deadlineMs);
  }

  #hear(record: LogRecord, host: string): void {
    this.#onLine(record.msg);
    const moment = momentOf(record);
    if (!moment) return;
    const name = record.step === undefined && record.name !== undefined ? record.name : host;
    const node = this.nodes.find((one) => one.host.name === name);
    if (!node) return;
    this.timeline.add(`${name}: ${moment}`);
    this.#onMoment(moment, node);
  }

  async #start(member: Member, command: readonly string[]): Promise<void> {
    member.service = await member.host.start(command);
  }

  /** The exit status, or the signal that ended it. */
  async #type(member: Member, words: readonly string[]): Promise<number | string> {
    const command = await member.host.start(words);
    this.command = command;
    this.timeline.add(`${member.host.name}$ pgaf ${words.slice(0, 2).join(' ')}`);
    const begun = performance.now();
    const ended = await command.exited;
    this.command = null;
    if (performance.now() - begun > COMMAND_HANGS) this.faults.push(`pgaf ${words.join(' ')} took too long`);
    this.timeline.add(`pgaf ${words.slice(0, 2).join(' ')} ended: ${ended}`);
    return ended;
  }

  #keep(member: Member, commands: readonly string[][]): void {
    this.#kept.set(member, commands);
    const keeping = this.#startAgain(member).catch((error: unknown) => void this.faults.push(String(error)));
    this.#keeping.set(member, keeping);
  }

  async #startAgain(member: Member): Promise<void> {
    for (;;) {
      const ended = await member.service?.exited;
      const commands = this.#kept.get(member);
      if (!commands) return;
      member.service = undefined;
      if (ended === EXIT.dropped) return;
      if (ended !== 'SIGKILL') {
        this.timeline.add(`the service of ${member.host.name} ended: ${ended}`);
        const others = commands.slice(1);
        if (others.length > 0) this.#kept.set(member, others);
        else if (!this.#mayEnd(member, ended)) {
          this.faults.push(`the service of ${member.host.name} ended by itself: ${ended}`);
          return;
        }
        await pause(TRY_AGAIN_AFTER);
      }
      const [next] = this.#kept.get(member) ?? [];
      if (!next) return;
      await this.#start(member, next);
    }
  }

  /**
   * A monitor whose Postgres is killed again and again gives up, for the init system to go on; a keeper that was
   * started again while its node was being dropped finds nothing.
   */
  #mayEnd(member: Member, ended: number | string | undefined): boolean {
    if (member === this.formation.monitor) return ended === EXIT.fatal;
    const { directory, pgdata } = member.host;
    const state = join(directory, 'share', 'pg_autoctl', pgdata, 'pg_autoctl.state');
    return this.command !== null && (!existsSync(pgdata) || !existsSync(state));
  }
}
