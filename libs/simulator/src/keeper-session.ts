import type { GroupSnapshot } from '@pgaf/plugin-api/snapshot';
import type { NodeActive } from './model-report.js';
import { MONITOR, type Connection } from './network.js';
import type { Processes } from './processes.js';
import type { World } from './world.js';

const ANSWER_TIMEOUT = 2000;
const RECONNECT = 50;

/** What a keeper does with the monitor's answers. */
export interface Talker {
  /** What it would say now; null when it says nothing any more. */
  readonly describe: () => NodeActive | null;
  readonly answered: (group: GroupSnapshot, said: NodeActive) => void;
}

/** A keeper's connection to the monitor: one report at a time, and another one when something has changed meanwhile. */
export class KeeperSession {
  #connection: Connection | null = null;
  /** The report that is not answered yet. */
  #asked: NodeActive | null = null;
  #askAgain = false;

  constructor(
    private readonly world: World,
    private readonly id: number,
    private readonly processes: Processes,
    private readonly keeper: Talker,
  ) {}

  get isOpen(): boolean {
    return this.#connection !== null;
  }

  connect(): void {
    if (this.#connection) return;
    const request = this.processes.whileAlive(() => {
      if (this.#connection) return;
      const ended = this.processes.whileAlive(() => {
        if (this.#connection !== connection) return;
        this.#forget();
        this.processes.later(RECONNECT, () => this.connect());
      });
      const connection = this.world.monitor.accept(this.id, ended);
      if (!connection) return;
      this.#connection = connection;
      this.report();
    });
    this.world.network.packet(this.id, MONITOR, request);
  }

  close(): void {
    if (!this.#connection) return;
    this.world.network.close(this.#connection, 'from');
    this.#forget();
  }

  report(): void {
    const connection = this.#connection;
    if (!connection) return;
    if (this.#asked) {
      this.#askAgain = true;
      return;
    }
    const report = this.keeper.describe();
    if (!report) return;
    this.#asked = report;
    this.#askAgain = false;
    const answered = this.processes.whileAlive((group: GroupSnapshot) => {
      if (this.#connection === connection && this.#asked === report) this.#answered(group, report);
    });
    this.world.network.send(connection, 'from', () => {
      this.world.monitor.nodeActive(this.id, connection, report, answered);
    });
    this.processes.later(ANSWER_TIMEOUT, () => {
      if (this.#connection !== connection || this.#asked !== report) return;
      this.close();
      this.connect();
    });
  }

  /** Whatever was asked, this is said at once. */
  sayLast(): void {
    this.#asked = null;
    this.report();
  }

  #answered(group: GroupSnapshot, report: NodeActive): void {
    this.#asked = null;
    this.keeper.answered(group, report);
    if (this.#askAgain) this.report();
  }

  #forget(): void {
    this.#connection = null;
    this.#asked = null;
    this.#askAgain = false;
  }
}
