import { connect, destroy } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Milliseconds } from '@pgaf/core/durations';
import type { Client } from 'pg';
import type { Delay } from './delays.js';

interface Assigned {
  readonly goal: string;
  readonly epoch: number;
  readonly setting: { readonly version: number } | null;
}

/** When the group last told the monitor something new, or its operator did: what a new goal answers to. */
export interface Cause {
  at: Milliseconds;
  since: Delay['since'];
}

const REPORT_EVERY: Milliseconds = 1000;
const NODE_ACTIVE = {
  name: 'node-active',
  text: `SELECT assigned_group_state AS goal, (assignment ->> 'epoch')::int AS epoch, assignment -> 'setting' AS setting
           FROM pgautofailover.node_active($1, $2, 0, $3, $4, $5, $6, 'unknown', $7)`,
};

/** A keeper without a Postgres: it is at once where it is told to be, and notes how long each order was under way. */
export class Actor {
  /** From a report, or the order, to the notification of the goal that it brought about. */
  readonly delays: Delay[] = [];
  #facts: Record<string, unknown> = { epoch: 1, confirmedSetting: 1 };
  #running = true;
  #tli = 1;
  #busy: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    private readonly client: Client,
    private readonly id: number,
    private readonly formation: string,
    private readonly cause: Cause,
    public state: string,
  ) {}

  static async start(
    uri: string,
    node: { readonly id: number; readonly formation: string; readonly state: string },
    cause: Cause,
  ): Promise<Actor> {
    const client = await connect(parseConnInfo(uri), { connectTimeoutMs: 10_000 });
    const actor = new Actor(client, node.id, node.formation, cause, node.state);
    client.on('notification', ({ payload }) => actor.#hear(payload ?? ''));
    await client.query('SELECT bench.listen($1)', [node.formation]);
    await actor.#act();
    actor.#timer = setInterval(() => void actor.#act(), REPORT_EVERY);
    return actor;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#busy.catch(() => undefined);
    destroy(this.client);
  }

  #hear(payload: string): void {
    const now = performance.now();
    const told = JSON.parse(payload) as { nodeId: number; goalState: string };
    if (told.nodeId !== this.id || told.goalState === this.state) return;
    this.delays.push({ since: this.cause.since, goal: told.goalState, ms: now - this.cause.at });
    void this.#act();
  }

  /** Reports, and goes on until it is where it was told to be; one at a time. */
  #act(): Promise<void> {
    this.#busy = this.#busy.then(async () => {
      let assigned = await this.#report();
      while (this.#moveTo(assigned)) {
        this.cause.at = performance.now();
        this.cause.since = 'report';
        assigned = await this.#report();
      }
    });
    this.#busy.catch((error: unknown) => process.stderr.write(`node ${this.id}: ${String(error)}\n`));
    return this.#busy;
  }

  async #report(): Promise<Assigned> {
    const { rows } = await this.client.query<Assigned>({
      ...NODE_ACTIVE,
      values: [
        this.formation,
        this.id,
        this.state,
        this.#running,
        this.#tli,
        LSN,
        JSON.stringify(this.#facts),
      ],
    });
    const [assigned] = rows;
    if (!assigned) throw new Error('node_active returned no row');
    return assigned;
  }

  /** @returns false when there is nothing new to tell */
  #moveTo({ goal, epoch, setting }: Assigned): boolean {
    const confirmed = goal === 'primary' || goal === 'wait_primary' ? setting?.version : undefined;
    const before = JSON.stringify([this.state, this.#facts]);
    if (goal !== this.state) this.#take(goal, epoch);
    if (confirmed !== undefined) this.#facts = { ...this.#facts, confirmedSetting: confirmed };
    return JSON.stringify([this.state, this.#facts]) !== before;
  }

  #take(goal: string, epoch: number): void {
    if (goal === 'draining') {
      this.#running = false;
      this.#facts = { epoch, stopped: { belowEpoch: epoch + 1, finalLsn: LSN } };
    } else if (goal === 'prepare_promotion') {
      this.#facts = { epoch, promise: { epoch: epoch + 1, tli: this.#tli, lsn: LSN } };
    } else if (goal === 'wait_primary' && this.state === 'prepare_promotion') {
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

const LSN = '1/3000148';
