import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join as path } from 'node:path';
import { afterEach } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { baseEdgeTable, type EdgeTable } from '@pgaf/fsm/edge-table';
import { DEFAULT_LEASE } from '@pgaf/fsm/default-timings';
import type { RuleBook } from '@pgaf/fsm/rule-book';
import type { KeeperPart } from '@pgaf/plugin-api/keeper-part';
import { createLogger } from '@pgaf/logging/logger';
import type { State } from '@pgaf/core/states';
import { findBindir } from '@pgaf/postgres/binaries';
import { endLeftovers } from '@pgaf/postgres/leftovers';
import { adoptPostmaster, startPostmaster } from '@pgaf/postgres/postmaster';
import { localClient, type LocalClient } from '@pgaf/postgres/query';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import { join, type JoinRequest } from '../join.js';
import { Keeper, type KeeperEnd, type Opening } from '../keeper.js';
import type { StopManner } from '../stop-manner.js';
import type { NodeConfig, Pace } from '../node-config.js';
import { readStateFile } from '../state-file.js';
import { RuleMonitor } from './rule-monitor.js';

/** A node of a test: its place on disk, and its keeper while one runs. */
export class TestNode {
  readonly config: NodeConfig;
  readonly sql: LocalClient;
  readonly monitor: RuleMonitor;
  readonly lines: string[] = [];
  id = 0;
  keeper: Keeper | null = null;
  /** What keepers of this node run; the rules' own edges unless a test says otherwise. */
  edges: EdgeTable = baseEdgeTable();
  part: KeeperPart = {};
  opening: Opening = 'confirmed';
  /** That of keepers which begin from then on; theirs to say unless given. */
  pace: Pace | undefined;
  #ended: Promise<KeeperEnd> | null = null;

  constructor(config: NodeConfig, monitor: RuleMonitor) {
    this.config = config;
    this.monitor = monitor;
    this.sql = localClient({
      socketDirectory: config.socketDirectory,
      port: config.port,
      database: 'postgres',
      statementTimeoutMs: 5000,
    });
  }

  /** Registers, and begins to run a keeper. */
  async create(candidatePriority = 50): Promise<void> {
    await this.register(candidatePriority);
    this.run();
  }

  async register(candidatePriority = 50, formerly: JoinRequest['formerly'] = null): Promise<void> {
    const { state } = await join({
      config: this.config,
      monitor: this.monitor.link(),
      formation: 'default',
      kind: 'pgsql',
      role: 'node',
      name: '',
      group: null,
      candidatePriority,
      quorum: true,
      cluster: 'default',
      region: 'default',
      monitorIs: 'the same',
      formerly,
      log: this.#log(),
    });
    this.id = state.nodeId;
  }

  run(): void {
    this.keeper = this.newKeeper();
    this.#ended = this.keeper.run();
  }

  newKeeper(): Keeper {
    const state = readStateFile(this.config.statePath);
    if (!state) throw new Error('no state file');
    return new Keeper({
      config: this.config,
      state,
      monitor: this.monitor.link(),
      edges: this.edges,
      part: this.part,
      opening: this.opening,
      ...(this.pace !== undefined && { pace: this.pace }),
      log: this.#log(),
    });
  }

  async end(manner: StopManner): Promise<KeeperEnd> {
    this.keeper?.stop(manner);
    return this.ended();
  }

  async ended(): Promise<KeeperEnd> {
    try {
      return (await this.#ended) ?? 'stopped';
    } finally {
      this.keeper = null;
    }
  }

  #log() {
    return createLogger({
      level: 'debug',
      format: 'pretty',
      destination: { write: (line) => this.lines.push(`${this.id}: ${line}`) },
    });
  }
}

const folders: string[] = [];
const nodes: TestNode[] = [];
const monitors: RuleMonitor[] = [];

afterEach(async () => {
  for (const node of nodes.splice(0)) {
    // A keeper that failed has failed its test already; its Postgres must not outlive it.
    if (node.keeper) await node.end('handOff').catch(() => undefined);
    await node.sql.close();
    await stopPostmaster(node.config.pgdata, { mode: 'immediate' });
  }
  for (const monitor of monitors.splice(0)) monitor.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export function newMonitor(book?: RuleBook): RuleMonitor {
  const monitor = new RuleMonitor(book);
  monitors.push(monitor);
  return monitor;
}

export async function newNode(monitor: RuleMonitor, change: Partial<NodeConfig> = {}): Promise<TestNode> {
  const folder = mkdtempSync(path(tmpdir(), 'pgaf-keeper-'));
  folders.push(folder);
  const node = new TestNode({ ...(await configFor(folder)), ...change }, monitor);
  nodes.push(node);
  return node;
}

export async function configFor(folder: string): Promise<NodeConfig> {
  return {
    pgdata: path(folder, 'data'),
    bindir: await findBindir(),
    name: null,
    host: '127.0.0.1',
    port: await freePort(),
    listenAddresses: '127.0.0.1',
    socketDirectory: folder,
    postmasterLog: path(folder, 'startup.log'),
    dbname: 'app',
    username: 'app',
    superuser: userInfo().username,
    auth: 'trust',
    hbaLevel: 'minimal',
    monitorHosts: ['127.0.0.1'],
    tls: {
      active: false,
      sslmode: 'prefer',
      selfSigned: false,
      certFile: null,
      keyFile: null,
      caFile: null,
      crlFile: null,
      client: null,
    },
    replicationPassword: null,
    passfile: path(folder, 'state', 'pg_autoctl.pgpass'),
    maximumBackupRate: '100M',
    slotBound: null,
    oldData: 'keep',
    waldir: null,
    tablespaceMapping: new Map(),
    configPath: path(folder, 'pg_autoctl.cfg'),
    statePath: path(folder, 'state', 'pg_autoctl.state'),
    leasePath: path(folder, 'state', 'pg_autoctl.lease'),
    leaseLength: DEFAULT_LEASE,
    pluginSettings: {},
  };
}

/** Waits for a condition; what the states were is in the error. */
export async function until(
  what: string,
  monitor: RuleMonitor,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      const log = nodes.flatMap((node) => node.lines.slice(-25)).join('');
      throw new Error(
        `${what}: not within ${deadlineMs} ms; ${monitor.states()}\n${monitor.events.join('\n')}\n${log}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function atRest(
  monitor: RuleMonitor,
  states: Readonly<Record<number, State>>,
  deadlineMs = 60_000,
): Promise<void> {
  const what = Object.entries(states).map(([id, state]) => `node ${id} is ${state}`);
  await until(what.join(', '), monitor, () => monitor.isAtRest(states), deadlineMs);
}

/** A formation of two nodes at rest, node 1 the primary. */
export async function twoNodes(
  change: Partial<NodeConfig> = {},
): Promise<{ monitor: RuleMonitor; first: TestNode; second: TestNode }> {
  const monitor = newMonitor();
  const first = await newNode(monitor, change);
  await first.create();
  await atRest(monitor, { 1: 'single' });
  const second = await newNode(monitor, change);
  await second.create();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  return { monitor, first, second };
}

/** A formation of three nodes at rest, node 1 the primary. */
export async function threeNodes(...priorities: readonly number[]): Promise<{
  monitor: RuleMonitor;
  nodes: readonly [TestNode, TestNode, TestNode];
}> {
  const monitor = newMonitor();
  const [first, second, third] = [await newNode(monitor), await newNode(monitor), await newNode(monitor)];
  await first.create(priorities[0]);
  await atRest(monitor, { 1: 'single' });
  await second.create(priorities[1]);
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  await third.create(priorities[2]);
  await atRest(monitor, { 1: 'primary', 2: 'secondary', 3: 'secondary' });
  return { monitor, nodes: [first, second, third] };
}

/** Kills the postmaster alone; its backends go on for as long as they are busy. */
export async function killPostmaster(node: TestNode): Promise<void> {
  const found = await adoptPostmaster(node.config.pgdata);
  if (!found) throw new Error('no postmaster');
  process.kill(found.pid, 'SIGKILL');
  await found.exited;
  found.release();
}

/** As an operator does with pg_ctl. */
export async function startByHand({ config }: TestNode): Promise<void> {
  const { bindir, pgdata, port, listenAddresses, socketDirectory, postmasterLog: logFile } = config;
  const options = { bindir, pgdata, port, listenAddresses, socketDirectory, logFile };
  (await startPostmaster({ ...options, stallMs: 20_000 })).release();
}

/** As if every process of the node had been killed. */
export async function killNode(node: TestNode): Promise<void> {
  const found = await adoptPostmaster(node.config.pgdata);
  if (!found) throw new Error('no postmaster');
  const ended = node.end('handOff');
  process.kill(found.pid, 'SIGKILL');
  await ended;
  found.release();
  await endLeftovers(node.config.pgdata);
}

/** Runs the Postgres of a node without its keeper, and leaves it as after a crash. */
export async function runAlone(node: TestNode, work: (sql: LocalClient) => Promise<unknown>): Promise<void> {
  const { bindir, pgdata, port, listenAddresses, socketDirectory, postmasterLog } = node.config;
  const place = { bindir, pgdata, port, listenAddresses, socketDirectory };
  const postmaster = await startPostmaster({ ...place, logFile: postmasterLog, stallMs: 10_000 });
  await work(node.sql);
  await stopPostmaster(pgdata, { mode: 'immediate' });
  postmaster.release();
}
