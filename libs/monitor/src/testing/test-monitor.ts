import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT, UserError } from '@pgaf/core/errors';
import { freePort } from '@pgaf/core/testing/free-ports';
import { baseRuleBook } from '@pgaf/fsm/rule-book';
import { CONTRACT_VERSION, definePlugin } from '@pgaf/plugin-api';
import { findBindir } from '@pgaf/postgres/binaries';
import { postgresProcessesOf, sendSignal } from '@pgaf/postgres/processes';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import pg from 'pg';
import {
  createMonitor,
  MONITOR_DATABASE,
  startMonitorPostgres,
  type CreateMonitorOptions,
} from '../create.js';
import type { Kinds } from '../command-handlers.js';
import { runService } from '../service.js';
import { DEFAULT_SETTINGS, type MonitorSettings } from '../monitor-settings.js';
import { LogBook } from './log-book.js';

/** A kind with one group, as simple as can be. */
const plain = definePlugin({
  kind: 'pgsql',
  packageName: 'plain',
  version: '1.0.0',
  contract: CONTRACT_VERSION,
  ranges: { schema: [1, 99], postgres: [13, 18] },
  roles: [
    { name: 'node', command: 'postgres', summary: '', groups: { from: 0, to: 0 }, defaultDbname: 'postgres' },
  ],
  assignGroup: ({ wantedGroup }) => ({ tag: 'group', group: wantedGroup ?? 0 }),
  nodeName: ({ id }) => `node_${id}`,
});

export const kinds: Kinds = {
  plugin: () => plain,
  roleOwner: (name) => {
    const role = plain.roles.find((each) => each.name === name);
    return role && { plugin: plain, role };
  },
  ruleBook: (kind) => {
    if (kind === plain.kind) return baseRuleBook();
    throw new UserError(`no plugin for "${kind}"`, { code: 'unknown-kind', exit: EXIT.badConfiguration });
  },
};

export interface RunningService {
  readonly log: LogBook;
  readonly ended: Promise<Error | null>;
  readonly ready: Promise<number>;
  stop(): Promise<void>;
}

/** A monitor's Postgres in a directory of its own, with as many services and clients as a test wants. */
export class TestMonitor {
  readonly #clients: pg.Client[] = [];
  readonly #services: RunningService[] = [];

  private constructor(
    readonly directory: string,
    readonly options: CreateMonitorOptions,
  ) {}

  static async create(): Promise<TestMonitor> {
    const directory = await mkdtemp(join(tmpdir(), 'pgaf-monitor-'));
    const options: CreateMonitorOptions = {
      bindir: await findBindir(),
      pgdata: join(directory, 'data'),
      port: await freePort(),
      listenAddresses: '127.0.0.1',
      socketDirectory: directory,
      logFile: join(directory, 'startup.log'),
      authMethod: 'trust',
      hba: 'lan',
      superuser: userInfo().username,
    };
    const monitor = new TestMonitor(directory, options);
    try {
      await createMonitor(options);
    } catch (error) {
      await monitor.destroy();
      throw error;
    }
    return monitor;
  }

  async destroy(): Promise<void> {
    for (const service of this.#services) await service.stop();
    for (const client of this.#clients) await client.end().catch(() => undefined);
    await stopPostmaster(this.options.pgdata, { mode: 'immediate' });
    await rm(this.directory, { recursive: true, force: true });
  }

  async restartPostgres(): Promise<void> {
    await stopPostmaster(this.options.pgdata, { mode: 'immediate' });
    await startMonitorPostgres(this.options);
  }

  /** Every process of it ends in the middle of what it does: no commit that has not waited for the disk need be there. */
  async killPostgres(): Promise<void> {
    for (const one of postgresProcessesOf(this.options.pgdata)) sendSignal(one, 'SIGKILL');
    await until('nothing is left of it', () => postgresProcessesOf(this.options.pgdata).length === 0);
    await startMonitorPostgres(this.options);
  }

  /** What services decide by from their next round on. */
  settings: MonitorSettings = DEFAULT_SETTINGS;

  /** From how many nodes on services look for news that begin from then on; theirs to say unless given. */
  manyNodes: number | undefined;

  /** What services know that begin from then on. */
  kinds: Kinds = kinds;

  /** All that were started, in order. */
  get services(): readonly RunningService[] {
    return this.#services;
  }

  startService(lockPatience?: Milliseconds): RunningService {
    const log = new LogBook();
    const abort = new AbortController();
    let becomeReady: (term: number) => void = () => undefined;
    const ready = new Promise<number>((resolve) => (becomeReady = resolve));
    const { socketDirectory, port, superuser } = this.options;
    const ended = runService({
      database: { socketDirectory, port, user: superuser },
      kinds: this.kinds,
      settings: () => this.settings,
      logger: log,
      signal: abort.signal,
      onReady: becomeReady,
      ...(lockPatience !== undefined && { lockPatience }),
      ...(this.manyNodes !== undefined && { manyNodes: this.manyNodes }),
    }).then(
      () => null,
      (error: Error) => error,
    );
    const service: RunningService = {
      log,
      ready,
      ended,
      stop: async () => {
        abort.abort();
        await ended;
      },
    };
    this.#services.push(service);
    return service;
  }

  async serve(): Promise<RunningService> {
    const service = this.startService();
    await Promise.race([
      service.ready,
      service.ended.then((error) => Promise.reject(error ?? new Error('the service has ended'))),
    ]);
    return service;
  }

  /** As a keeper or the command line would connect. */
  async connect(user = 'autoctl_node', host = '127.0.0.1'): Promise<pg.Client> {
    const client = new pg.Client({
      host,
      port: this.options.port,
      user,
      database: MONITOR_DATABASE,
    });
    client.on('error', () => undefined);
    await client.connect();
    this.#clients.push(client);
    return client;
  }

  async connectAsSuperuser(): Promise<pg.Client> {
    return this.connect(this.options.superuser, this.options.socketDirectory);
  }
}

/** Waits for a condition; at the deadline it says what was last seen. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  deadline = 10_000,
): Promise<T> {
  const end = performance.now() + deadline;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (performance.now() > end) throw new Error(`not within ${deadline} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
