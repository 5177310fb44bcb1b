import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backUp, startThrowaway, type ThrowawayPostgres } from '@pgaf/conninfo/testing/throwaway-postgres';
import type { Milliseconds } from '@pgaf/core/durations';
import type { JsonObject } from '@pgaf/core/json';
import type {
  FormationView,
  GroupView,
  KeeperContext,
  KeeperPart,
  NodeContext,
  NodeView,
  Outcome,
  SqlNotice,
  SqlSession,
} from '@pgaf/plugin-api';
import citus from '@pgaf/plugin-citus';
import { localClient, openSession, type LocalClient, type Row } from '@pgaf/postgres/query';
import { until } from '@pgaf/testing/deadline';
import { sendSignal } from '@pgaf/testing/end-processes';
import { processesIn } from '@pgaf/testing/process-table';

/** Those of each node of a formation; the plugin knows how it is reached. */
const SETTINGS = {
  shared_preload_libraries: 'citus',
  ...citus.requirements?.find(({ role }) => role === 'coordinator')?.settings,
  'citus.node_conninfo': 'sslmode=prefer',
  'citus.local_hostname': '127.0.0.1',
};
const HBA = [
  'host all all 127.0.0.1/32 trust',
  'host all all localhost trust',
  'local replication postgres trust',
];
const STATEMENT_TIMEOUT_MS = 30_000;

/** A Postgres with Citus alone, without a keeper. */
export class CitusServer {
  readonly sql: LocalClient;

  private constructor(readonly postgres: ThrowawayPostgres) {
    this.sql = localClient(this.place);
  }

  static async start(): Promise<CitusServer> {
    const server = new CitusServer(await startThrowaway({ settings: SETTINGS, hba: HBA, files: {} }));
    await server.sql.query('CREATE EXTENSION citus');
    return server;
  }

  /** One that follows the other, which has started; clients reach it as they do any. */
  static async startStandbyOf({ postgres }: CitusServer): Promise<CitusServer> {
    const upstream = `host=${postgres.folder} port=${postgres.port} user=postgres`;
    const settings = { ...SETTINGS, primary_conninfo: upstream };
    const files = { 'standby.signal': '' };
    return new CitusServer(await startThrowaway({ settings, hba: HBA, files }, await backUp(postgres)));
  }

  /** A coordinator that has two workers, groups 1 and 2. */
  static async startWithWorkers(): Promise<
    readonly [coordinator: CitusServer, ...workers: [CitusServer, CitusServer]]
  > {
    const coordinator = await CitusServer.start();
    const workers: [CitusServer, CitusServer] = [await CitusServer.start(), await CitusServer.start()];
    const { sql } = coordinator;
    await sql.query(`SELECT citus_set_coordinator_host('127.0.0.1', $1)`, [coordinator.port]);
    for (const [i, { port }] of workers.entries())
      await sql.query(`SELECT citus_add_node('127.0.0.1', $1, $2)`, [port, i + 1]);
    return [coordinator, ...workers];
  }

  get port(): number {
    return this.postgres.port;
  }

  private get place() {
    const { folder: socketDirectory, port } = this.postgres;
    return {
      ...{ socketDirectory, port, database: 'postgres', user: 'postgres' },
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    };
  }

  session(onNotice?: (notice: SqlNotice) => void): Promise<LocalClient> {
    return openSession(this.place, onNotice);
  }

  /** Its kernel accepts connections, and nobody answers them; undone by `thaw`. */
  freezePostmaster(): void {
    process.kill(this.postmaster, 'SIGSTOP');
  }

  thawPostmaster(): void {
    process.kill(this.postmaster, 'SIGCONT');
  }

  /** Every process of it; its kernel acknowledges what it is sent. Undone by `thaw`. */
  freeze(): void {
    this.freezePostmaster();
    for (const { pid } of processesIn(this.postgres.folder)) sendSignal(pid, 'SIGSTOP');
  }

  thaw(): void {
    for (const { pid } of processesIn(this.postgres.folder)) sendSignal(pid, 'SIGCONT');
  }

  private get postmaster(): number {
    const lines = readFileSync(join(this.postgres.folder, 'data', 'postmaster.pid'), 'utf8');
    return Number(lines.split('\n')[0]);
  }

  async stop(): Promise<void> {
    await this.sql.close();
    await this.postgres.stop();
  }
}

export function nodeAt(id: number, port: number, change: Partial<NodeView> = {}): NodeView {
  return {
    ...{ id, name: `n${id}`, host: '127.0.0.1', port, role: 'worker', cluster: 'default' },
    ...{ reported: 'primary', goal: 'primary', said: {} },
    ...change,
  };
}

export function groupOf(group: number, leader: number, ...nodes: readonly NodeView[]): GroupView {
  return { group, epoch: 1, leader, memory: {}, restored: false, nodes };
}

/** The plugin’s part on the coordinator, on real Citus, for a formation that the test draws. */
export class CoordinatorPart {
  readonly said: JsonObject = {};
  readonly told: string[] = [];
  readonly logged: string[] = [];
  readonly #ending = new AbortController();
  readonly #sessions = new Set<LocalClient>();
  groups: readonly GroupView[] = [];
  /** How the monitor answers. */
  answer: () => Promise<FormationView> = () => Promise.resolve(this.view);
  /** How much of its lease the keeper has left. */
  leaseLeft: () => Milliseconds = () => 4000;
  /** Whether its keeper is killed now: before or after a query, by its text. */
  dies: (when: 'before' | 'after', query: string) => boolean = () => false;
  isDead = false;
  /** Is waited for before each query, of this text. */
  beforeQuery: (query: string) => Promise<void> = () => Promise.resolve();
  /** Another node has promised to take over. */
  isSucceeded = false;
  /** The process that serves the session that was opened last. */
  backend: number | null = null;

  constructor(private readonly server: CitusServer) {}

  get view(): FormationView {
    return { formation: 'default', kind: 'citus', dbname: 'postgres', groups: this.groups };
  }

  reconcile(): Promise<string> {
    return this.#run((part) => part.reconcile?.(this.#context()));
  }

  whileLeader(): Promise<string> {
    return this.#run((part) => part.whileLeader?.(this.#nodeContext()));
  }

  step(name: string): Promise<string> {
    return this.#run((part) => (part.localSteps?.[name] ?? part.steps?.[name])?.(this.#context()));
  }

  async #run(hook: (part: KeeperPart) => Promise<Outcome> | undefined): Promise<string> {
    const part = await citus.keeper?.();
    const outcome = await (part && hook(part));
    if (!outcome) throw new Error('the plugin has no such hook');
    return outcome.tag === 'done' ? 'done' : outcome.reason;
  }

  /** Until the plugin says this. */
  async says(what: string, holds: (said: JsonObject) => boolean): Promise<void> {
    const seen = () => Promise.resolve(JSON.stringify({ said: this.said, logged: this.logged }));
    await until({ what, deadlineMs: 30_000, seen }, () => Promise.resolve(holds(this.said)));
  }

  async end(): Promise<void> {
    this.#ending.abort();
    for (const session of this.#sessions) await session.close();
  }

  #context(): KeeperContext {
    const [node] = this.groups[0]?.nodes ?? [];
    if (!node) throw new Error('the coordinator comes first');
    return {
      ...this.#nodeContext(),
      ...{ node, formation: this.view, runWhileLeader: () => undefined },
      ...{
        handover: { target: null, forced: false, leaving: false, isSucceeded: this.isSucceeded },
        giveUpHandover: () => undefined,
      },
      lookAgain: () => this.answer(),
      tell: (sentence) => Promise.resolve(void this.told.push(sentence)),
      say: (name, value) => (this.said[name] = value),
    };
  }

  #nodeContext(): NodeContext {
    return {
      ...{ settings: {}, signal: this.#ending.signal },
      leaseLeft: () => this.leaseLeft(),
      log: (message) => this.logged.push(message),
      sql: {
        query: this.#queryOf(this.server.sql),
        session: async (onNotice) => {
          const client = await this.server.session(onNotice);
          this.#sessions.add(client);
          const [own] = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
          this.backend = own?.pid ?? null;
          return { query: this.#queryOf(client), close: () => client.close() };
        },
      },
    };
  }

  #queryOf(client: LocalClient): SqlSession['query'] {
    return async <Shape>(text: string, values?: readonly unknown[]) => {
      await this.#dieWhenDue('before', text);
      await this.beforeQuery(text);
      const rows = (await client.query<Row>(text, values)) as Shape[];
      await this.#dieWhenDue('after', text);
      return rows;
    };
  }

  /** Its sessions end, and nothing of it goes on. */
  async #dieWhenDue(when: 'before' | 'after', query: string): Promise<void> {
    if (!this.isDead && !this.dies(when, query)) return;
    this.isDead = true;
    await this.end();
    await new Promise(() => undefined);
  }
}
