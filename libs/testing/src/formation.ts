import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Milliseconds } from '@pgaf/core/durations';
import { until } from './deadline.js';
import { endEverythingIn } from './end-processes.js';
import { addEvidenceSource, removeEvidenceSource, type EvidenceSource } from './evidence.js';
import { freePorts } from '@pgaf/core/testing/free-ports';
import type { CommandResult, Host, RunOptions, Service } from './host.js';
import type { ContainerNetwork } from './container-network.js';
import { MonitorProbe, type NodeState } from './monitor-probe.js';
import type { Network } from './network.js';
import { makeOwnedDirectory, postgresOwner } from './owner.js';
import { LOOPBACK, ProcessHost } from './process-host.js';
import { pgafBin } from './workspace.js';

export interface FormationOptions {
  /** Data nodes; they are named node_1, node_2, … in the order in which they register. */
  readonly nodes: number;
  /** Where everything is made; a new directory under the system's temporary one when absent. */
  readonly directory?: string;
  /** The `pg_ctl` to use, when more than one Postgres is installed. */
  readonly pgctl?: string;
  /** For every `create`; trust, no TLS, and clients of the LAN unless told. */
  readonly security?: readonly string[];
  /** For `create monitor`, when it is not the same. */
  readonly monitorSecurity?: readonly string[];
  /** Parameters of the monitor's connection string as nodes are given it; `sslmode=prefer` unless told. */
  readonly monitorParameters?: string;
  /** How the test itself logs in to the monitor and to nodes, when not without a password and as postgres. */
  readonly login?: TestLogin;
  /** Flags for every service, such as `-vv`. */
  readonly logging?: readonly string[];
  /** Where the hosts stand; on loopback when absent. Who made it removes it, after the formation. */
  readonly network?: Network;
  /** Where the hosts are containers; who made it removes it, after the formation. */
  readonly containers?: ContainerNetwork;
  /** Variables for every command and service. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface TestLogin {
  /** Superuser of the nodes. */
  readonly user: string;
  /** Of connection strings, such as `sslmode=require&passfile=/path`. */
  readonly monitorParameters: string;
  readonly nodeParameters: string;
}

/** A host with the port of its Postgres and the service that runs there. */
export interface Member {
  readonly host: Host;
  readonly port: number;
  service: Service | undefined;
}

const STABLE_DEADLINE_MS = 60_000;
/** Of each log, and of the events, for the evidence of a failed test. */
const KEPT_LINES = 20_000;
const KEPT_EVENTS = 1000;

/** A monitor and its nodes, made through the command line, each on a host of its own. */
export class Formation implements EvidenceSource {
  readonly probe: MonitorProbe;

  private constructor(
    readonly directory: string,
    readonly monitor: Member,
    readonly nodes: readonly Member[],
    private readonly options: FormationOptions,
  ) {
    this.probe = new MonitorProbe(this.monitorUriWith(options.login?.monitorParameters));
  }

  /** Lays out hosts and ports; nothing runs yet. */
  static async layOut(options: FormationOptions): Promise<Formation> {
    const owner = postgresOwner();
    const directory = options.directory ?? realpathSync(mkdtempSync(join(tmpdir(), 'pgaf-test-')));
    makeOwnedDirectory(directory, owner);
    const names = ['monitor', ...Array.from({ length: options.nodes }, (_, i) => `node_${i + 1}`)];
    const ports = await freePorts(names.length);
    const members: Member[] = [];
    for (const [i, name] of names.entries()) {
      const host =
        (await options.containers?.addHost(name)) ??
        new ProcessHost({
          name,
          directory: join(directory, name),
          location: options.network?.addHost(name) ?? LOOPBACK,
          bin: pgafBin(),
          owner,
          env: options.env ?? {},
        });
      members.push({ host, port: ports[i] ?? 0, service: undefined });
    }
    const [monitor, ...nodes] = members;
    if (!monitor) throw new Error('a formation has a monitor');
    const formation = new Formation(directory, monitor, nodes, options);
    addEvidenceSource(formation);
    return formation;
  }

  /** Makes monitor and nodes, and waits until they are stable. What was made is removed when that fails. */
  static async create(options: FormationOptions): Promise<Formation> {
    const formation = await Formation.layOut(options);
    try {
      await formation.startMonitor();
      for (const index of formation.nodes.keys()) await formation.startNode(index + 1);
      await formation.waitUntilStable();
      return formation;
    } catch (error) {
      await formation.dispose();
      throw error;
    }
  }

  get monitorUri(): string {
    return this.monitorUriWith(this.options.monitorParameters);
  }

  /** The nodes in the order of their numbers, for a client that wants to write. */
  get uri(): string {
    const hosts = this.nodes.map((node) => `${node.host.address}:${node.port}`).join(',');
    const { user = 'postgres', nodeParameters = 'sslmode=prefer' } = this.options.login ?? {};
    return `postgres://${user}@${hosts}/postgres?target_session_attrs=read-write&${nodeParameters}`;
  }

  node(number: number): Member {
    const node = this.nodes[number - 1];
    if (!node) throw new Error(`the formation has no node ${number}`);
    return node;
  }

  /** The member whose node has this name in the monitor: the order of registration is the order of numbers. */
  named(name: string): Member {
    return this.node(Number(/\d+$/.exec(name)?.[0]));
  }

  /** `create monitor --run`; returns once its service decides. */
  async startMonitor(): Promise<void> {
    const { host, port } = this.monitor;
    const address = ['--hostname', host.address, '--pgport', String(port)];
    const security = this.common(host, this.options.monitorSecurity);
    const command = ['create', 'monitor', ...security, ...address, '--run', ...this.logging];
    this.monitor.service = await host.start(command);
    await this.waitForMonitor();
  }

  async waitForMonitor(): Promise<void> {
    await this.wait('a monitor service that decides', () => this.probe.hasService(), this.monitor);
  }

  /** `create ROLE --run`; returns once the node is registered. */
  async startNode(number: number, role = 'postgres', flags: readonly string[] = []): Promise<void> {
    const node = this.node(number);
    node.service = await node.host.start(this.createCommand(node, role, flags));
    const registered = async () => (await this.states()).some((state) => state.name === node.host.name);
    await this.wait(`${node.host.name} to be registered`, registered, node);
  }

  /** `create ROLE --run` of a node. */
  createCommand({ host, port }: Member, role = 'postgres', flags: readonly string[] = []): string[] {
    const address = ['--hostname', host.address, '--pgport', String(port)];
    const place = ['--monitor', this.monitorUri, '--name', host.name];
    const lan = this.options.security ? [] : ['--pg-hba-lan'];
    const more = [...address, ...place, ...lan, ...flags, '--run', ...this.logging];
    return ['create', role, ...this.common(host), ...more];
  }

  /** `run` of a member that was created. */
  runCommand({ host }: Member): string[] {
    return ['run', '--pgdata', host.pgdata, ...this.logging];
  }

  /** `run` on a member whose service ended. */
  async restart(member: Member): Promise<void> {
    member.service = await member.host.start(this.runCommand(member));
  }

  /** A command of pgaf on the monitor's host, on its data directory. */
  onMonitor(args: readonly string[], options?: RunOptions): Promise<CommandResult> {
    return this.monitor.host.run([...args, '--pgdata', this.monitor.host.pgdata], options);
  }

  states(): Promise<NodeState[]> {
    return this.probe.states();
  }

  /** The node that is primary, reported and assigned, once there is one. */
  async primary(deadlineMs?: Milliseconds): Promise<Member> {
    const find = async () =>
      (await this.states()).find((s) => s.reported === 'primary' && s.goal === 'primary');
    const state = await this.wait('a primary', find, undefined, deadlineMs);
    return this.named(state.name);
  }

  async standby(deadlineMs?: Milliseconds): Promise<Member> {
    const find = async () =>
      (await this.states()).find((s) => s.reported === 'secondary' && s.goal === 'secondary');
    const state = await this.wait('a secondary', find, undefined, deadlineMs);
    return this.named(state.name);
  }

  /** Waits until the node has reported and been assigned this state. */
  async waitForState(name: string, wanted: string, deadlineMs?: Milliseconds): Promise<void> {
    const reached = async () =>
      (await this.states()).some((s) => s.name === name && s.reported === wanted && s.goal === wanted);
    await this.wait(`${name} to be ${wanted}`, reached, undefined, deadlineMs);
  }

  /** In each group one primary and every other node secondary, or one node that is single; all in good health. */
  async waitUntilStable(deadlineMs: Milliseconds = STABLE_DEADLINE_MS): Promise<void> {
    await this.wait('stable nodes', async () => isStable(await this.states()), undefined, deadlineMs);
  }

  /** Waits until every node has reported once more: what happened before now is known to the monitor. */
  async waitUntilReported(): Promise<void> {
    const clock = await this.wait('a monitor that tells the time', async () => {
      const [row] = await this.probe.query<{ now: string }>('SELECT clock_timestamp()::text AS now');
      return row;
    });
    await this.wait('a new report of every node', async () => {
      const [row] = await this.probe.query<{ all: boolean }>(
        'SELECT bool_and(reporttime > $1::timestamptz) AS all FROM pgautofailover.node',
        [clock.now],
      );
      return row?.all;
    });
  }

  /** Kills what still runs and removes every file. */
  async dispose(): Promise<void> {
    removeEvidenceSource(this);
    this.probe.close();
    await endEverythingIn(this.directory);
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }

  /** States, events and the ends of the logs: what a person asks for when a wait fails. */
  async describe(): Promise<string> {
    const states = await this.statesInLines().catch((error: unknown) => [`no states: ${String(error)}`]);
    const events = await this.probe.events(15).catch(() => ['no events']);
    const logs = await Promise.all(this.members.map((member) => member.host.logTail(20)));
    return ['states:', ...states, 'events:', ...events, ...logs].join('\n');
  }

  /** The same at length. */
  evidence(): Readonly<Record<string, () => Promise<string>>> {
    const logs = this.members.map(
      ({ host }) => [`${host.name}.log`, () => host.logTail(KEPT_LINES)] as const,
    );
    return {
      'states.txt': async () => (await this.statesInLines()).join('\n'),
      'events.txt': async () => (await this.probe.events(KEPT_EVENTS)).join('\n'),
      ...Object.fromEntries(logs),
    };
  }

  /** Waits for a condition; says what the formation looked like when it does not come, or a service dies first. */
  async wait<T>(
    what: string,
    probe: () => Promise<T | null | false | undefined>,
    member?: Member,
    deadlineMs: Milliseconds = STABLE_DEADLINE_MS,
  ): Promise<T> {
    let ended: number | string | undefined;
    void member?.service?.exited.then((how) => (ended = how));
    const outcome = await until({ what, deadlineMs, seen: () => this.describe() }, async () => {
      if (ended !== undefined) return { ended };
      const answer = await probe();
      return answer !== null && answer !== false && answer !== undefined ? { answer } : null;
    });
    if ('answer' in outcome) return outcome.answer;
    throw new Error(
      `the service of ${member?.host.name} ended (${ended}) before ${what}\n${await this.describe()}`,
    );
  }

  private get members(): readonly Member[] {
    return [this.monitor, ...this.nodes];
  }

  private async statesInLines(): Promise<string[]> {
    return (await this.states()).map(
      (s) => `${s.name} ${s.reported} → ${s.goal} ${s.tli}: ${s.lsn} health ${s.health}`,
    );
  }

  private get logging(): readonly string[] {
    return this.options.logging ?? [];
  }

  private monitorUriWith(parameters = 'sslmode=prefer'): string {
    return `postgres://autoctl_node@${this.monitor.host.address}:${this.monitor.port}/pg_auto_failover?${parameters}`;
  }

  private common(host: Host, security = this.options.security): string[] {
    const pgctl = this.options.pgctl ? ['--pgctl', this.options.pgctl] : [];
    return ['--pgdata', host.pgdata, ...pgctl, ...(security ?? ['--auth', 'trust', '--no-ssl'])];
  }
}

/** Every node is where it was told to be and in good health, and each group has its primary, or is single. */
export function isStable(states: readonly NodeState[]): boolean {
  const groups = new Map<number, string[]>();
  for (const { group, goal } of states) groups.set(group, [...(groups.get(group) ?? []), goal].sort());
  const isWhole = ([first, ...others]: string[]) =>
    first === 'single'
      ? others.length === 0
      : first === 'primary' && others.every((goal) => goal === 'secondary');
  const isSettled = states.every((state) => state.reported === state.goal && state.health === 1);
  return states.length > 0 && isSettled && [...groups.values()].every(isWhole);
}
