import { createServer, type Server, type Socket } from 'node:net';
import type { State } from '@pgaf/core/states';
import type { KeeperFacts } from '@pgaf/plugin-api/snapshot';
import type pg from 'pg';
import { freePort } from '@pgaf/core/testing/free-ports';
import { toJsonText } from '../json-shapes.js';
import { until, type TestMonitor } from './test-monitor.js';

export interface Assigned {
  readonly assigned_node_id: string;
  readonly assigned_group_state: State;
  readonly assignment: {
    readonly epoch: number;
    readonly leader: number | null;
    readonly restored: boolean;
    readonly setting: { version: number; required: number; members: number[] } | null;
    readonly nodes: readonly { id: number; goal: State; reported: State; lsn: string }[];
  };
}

/** The other side of the SQL API: a keeper's calls, without a Postgres. */
export class FakeKeeper {
  state: State = 'init';
  running = true;
  tli = 1;
  lsn = '0/3000000';
  facts: KeeperFacts = {};

  private constructor(
    readonly client: pg.Client,
    readonly id: number,
    readonly port: number,
    readonly name: string,
    readonly formation: string,
    readonly postgres: FakePostgres,
  ) {}

  static async register(
    monitor: TestMonitor,
    options: { name?: string; port?: number; formation?: string } = {},
  ): Promise<FakeKeeper> {
    const client = await monitor.connect();
    const port = options.port ?? (await freePort());
    const formation = options.formation ?? 'default';
    const { rows } = await client.query<{ assigned_node_id: string; assigned_node_name: string }>(
      `SELECT * FROM pgautofailover.register_node($3, '127.0.0.1', $1, 'postgres', node_name => $2,
                                                  candidate_priority => 50)`,
      [port, options.name ?? '', formation],
    );
    const row = rows[0];
    if (!row) throw new Error('register_node returned no row');
    return new FakeKeeper(
      client,
      Number(row.assigned_node_id),
      port,
      row.assigned_node_name,
      formation,
      await FakePostgres.listen(port),
    );
  }

  /** The same keeper once it has lost its connection. */
  async reconnected(monitor: TestMonitor): Promise<FakeKeeper> {
    const client = await monitor.connect();
    const again = new FakeKeeper(client, this.id, this.port, this.name, this.formation, this.postgres);
    const { state, running, tli, lsn, facts } = this;
    return Object.assign(again, { state, running, tli, lsn, facts });
  }

  async beginSession(): Promise<void> {
    await this.client.query('SELECT pgautofailover.begin_session($1)', [this.id]);
  }

  async report(
    change: Partial<Pick<FakeKeeper, 'state' | 'running' | 'tli' | 'lsn' | 'facts'>> = {},
  ): Promise<Assigned> {
    Object.assign(this, change);
    const { rows } = await this.client.query<Assigned>(
      'SELECT * FROM pgautofailover.node_active($1, $2, $3, $4, $5, $6, $7, $8, $9)',
      [this.formation, this.id, 0, this.state, this.running, this.tli, this.lsn, '', toJsonText(this.facts)],
    );
    const row = rows[0];
    if (!row) throw new Error('node_active returned no row');
    return row;
  }

  /** Reports, and goes where it is sent. True when it was there already. */
  async obey(): Promise<boolean> {
    const { assigned_group_state: goal, assignment } = await this.report();
    const { epoch, leader, setting } = assignment;
    const confirmedSetting = leader === this.id ? setting?.version : undefined;
    if (goal === this.state && confirmedSetting === this.facts.confirmedSetting) return true;
    await this.publishSystemIdentifier();
    const confirmed = confirmedSetting === undefined ? {} : { confirmedSetting };
    await this.report({ state: goal, facts: { ...this.facts, epoch, ...confirmed } });
    return false;
  }

  /** Reports until the monitor assigns the state. */
  async awaitGoal(goal: State): Promise<Assigned> {
    try {
      return await until(`node ${this.id} is assigned ${goal}`, async () => {
        const assigned = await this.report();
        return assigned.assigned_group_state === goal && assigned;
      });
    } catch (error) {
      const nodes = await this.client.query(
        `SELECT nodeid, reportedstate, goalstate, health, healthrefused, sessionpid, facts FROM pgautofailover.node`,
      );
      const groups = await this.client.query('SELECT * FROM pgautofailover.group_state');
      throw new Error(`${String(error)}: ${JSON.stringify([...nodes.rows, ...groups.rows])}`, {
        cause: error,
      });
    }
  }

  async publishSystemIdentifier(): Promise<void> {
    await this.client.query('SELECT * FROM pgautofailover.set_node_system_identifier($1, 7001)', [this.id]);
  }
}

/** Answers a login as Postgres does, on a port that then refuses everybody when it is closed. */
export class FakePostgres {
  readonly #sockets = new Set<Socket>();

  private constructor(readonly server: Server) {}

  static async listen(port: number): Promise<FakePostgres> {
    const server = createServer();
    const fake = new FakePostgres(server);
    server.on('connection', (socket) => {
      fake.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => fake.#sockets.delete(socket));
      socket.once('data', () => socket.write(Buffer.concat([AUTHENTICATION_OK, READY_FOR_QUERY])));
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return fake;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const AUTHENTICATION_OK = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]);
const READY_FOR_QUERY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);
