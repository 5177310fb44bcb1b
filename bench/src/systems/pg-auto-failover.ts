import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freePorts } from '@pgaf/core/testing/free-ports';
import { until } from '@pgaf/testing/deadline';
import { isStable } from '@pgaf/testing/formation';
import { MonitorProbe, type NodeState } from '@pgaf/testing/monitor-probe';
import { makePeerMonitor } from '../monitor-load/peer-monitor.js';
import { findProgram, outputOf, versionIn } from './find-program.js';
import { PeerHost } from './peer-host.js';
import { PATIENCE_MS, type CitusSystem, type System, type SystemKind, type SystemNode } from './system.js';

interface PeerNode extends SystemNode {
  readonly host: PeerHost;
}

const FOLDERS = { XDG_CONFIG_HOME: 'config', XDG_DATA_HOME: 'share', XDG_RUNTIME_DIR: 'run' };
const SECURITY = ['--auth', 'trust', '--no-ssl'];

/** What a node is created as, with the flags that only it takes. */
interface Role {
  readonly role: 'postgres' | 'coordinator' | 'worker';
  readonly flags: readonly string[];
}

const PAIR: readonly Role[] = [
  { role: 'postgres', flags: [] },
  { role: 'postgres', flags: [] },
];

function citusRoles(workerGroups: number): Role[] {
  const coordinator: Role = { role: 'coordinator', flags: [] };
  const workers = Array.from({ length: workerGroups }, (_, i): Role => {
    return { role: 'worker', flags: ['--group', String(i + 1)] };
  });
  return [coordinator, coordinator, ...workers.flatMap((worker) => [worker, worker])];
}

class PgAutoFailover implements System, CitusSystem {
  private readonly probe: MonitorProbe;

  private constructor(
    private readonly program: string,
    private readonly monitor: PeerHost,
    monitorUri: string,
    readonly nodes: readonly PeerNode[],
  ) {
    this.probe = new MonitorProbe(monitorUri);
  }

  static async create(
    program: string,
    pgctl: string,
    directory: string,
    roles: readonly Role[],
  ): Promise<PgAutoFailover> {
    const [monitorPort = 0, ...ports] = await freePorts(1 + roles.length);
    const hostNamed = (name: string) => {
      const home = join(directory, name);
      const folders = Object.entries(FOLDERS).map(([variable, folder]) => [variable, join(home, folder)]);
      // Its sockets go where its other files go: what is killed leaves them behind.
      return new PeerHost(name, home, { ...Object.fromEntries(folders), PG_REGRESS_SOCK_DIR: home });
    };
    const monitor = hostNamed('monitor');
    const nodes = ports.map((port, i): PeerNode => ({ host: hostNamed(`node_${i + 1}`), port }));
    const uri = `postgres://autoctl_node@127.0.0.1:${monitorPort}/pg_auto_failover?sslmode=prefer`;
    const system = new PgAutoFailover(program, monitor, uri, nodes);
    const create = (host: PeerHost, role: string, port: number, flags: readonly string[]) => {
      const place = ['--pgdata', host.pgdata, '--pgctl', pgctl, '--pgport', String(port)];
      const address = ['--hostname', host.address];
      return host.start([program, 'create', role, ...place, ...address, ...SECURITY, ...flags, '--run']);
    };
    await create(monitor, 'monitor', monitorPort, []);
    await system.wait('its monitor', () => system.states().then(() => true));
    for (const [i, { host, port }] of nodes.entries()) {
      const { role, flags } = roles[i] ?? { role: 'postgres', flags: [] };
      await create(host, role, port, [
        ...flags,
        '--monitor',
        uri,
        '--name',
        host.name,
        '--pghost',
        host.directory,
        '--pg-hba-lan',
      ]);
      await system.wait(`${host.name} to be registered`, async () => (await system.states()).length > i);
    }
    await system.waitUntilStable();
    return system;
  }

  async waitUntilStable(): Promise<void> {
    const [clock] = await this.probe.query<{ now: string }>('SELECT clock_timestamp()::text AS now');
    await this.wait('new reports and stable nodes', async () => {
      const [row] = await this.probe.query<{ all: boolean }>(
        'SELECT bool_and(reporttime > $1::timestamptz) AS all FROM pgautofailover.node',
        [clock?.now],
      );
      const states = await this.states();
      return row?.all === true && states.length === this.nodes.length && isStable(states);
    });
  }

  primary(): Promise<PeerNode> {
    return this.nodeIn('primary');
  }

  standby(): Promise<PeerNode> {
    return this.nodeIn('secondary');
  }

  /** Of a Citus formation. */
  get uri(): string {
    const hosts = this.nodes.slice(0, 2).map(({ host, port }) => `${host.address}:${port}`);
    return `postgres://postgres@${hosts.join(',')}/citus?target_session_attrs=read-write&sslmode=prefer`;
  }

  primaryOf(group: number): Promise<PeerNode> {
    return this.nodeIn('primary', group);
  }

  async switchoverOf(group: number): Promise<void> {
    const where = ['--pgdata', this.monitor.pgdata, '--group', String(group)];
    await this.monitor.run([this.program, 'perform', 'switchover', ...where]);
  }

  async switchover(): Promise<void> {
    await this.monitor.run([this.program, 'perform', 'switchover', '--pgdata', this.monitor.pgdata]);
  }

  async stop(node: SystemNode): Promise<void> {
    const { host } = this.peerOf(node);
    await host.run([this.program, 'stop', '--pgdata', host.pgdata]);
    await this.wait(`${host.name} to stop`, () => Promise.resolve(host.processes().length === 0));
  }

  restart(node: SystemNode): Promise<void> {
    const { host } = this.peerOf(node);
    return host.start([this.program, 'run', '--pgdata', host.pgdata]);
  }

  async close(): Promise<void> {
    this.probe.close();
  }

  private states(): Promise<NodeState[]> {
    return this.probe.states();
  }

  private async nodeIn(state: string, group = 0): Promise<PeerNode> {
    const found = (await this.states()).find(
      (one) => one.group === group && one.reported === state && one.goal === state,
    );
    const node = this.nodes.find(({ host }) => host.name === found?.name);
    if (!node) throw new Error(`no node is ${state}\n${await this.describe()}`);
    return node;
  }

  private peerOf(node: SystemNode): PeerNode {
    const peer = this.nodes.find(({ port }) => port === node.port);
    if (!peer) throw new Error(`${node.host.name} is not a node of this system`);
    return peer;
  }

  private async wait(what: string, probe: () => Promise<boolean>): Promise<void> {
    await until({ what, deadlineMs: PATIENCE_MS, seen: () => this.describe() }, probe);
  }

  private async describe(): Promise<string> {
    const states = await this.states()
      .then((all) => all.map((s) => `${s.name} ${s.reported} → ${s.goal} health ${s.health}`))
      .catch((error: unknown) => [`no states: ${String(error)}`]);
    const hosts = [this.monitor, ...this.nodes.map(({ host }) => host)];
    return [...states, ...hosts.map((host) => host.logTail(15))].join('\n');
  }
}

export const pgAutoFailover: SystemKind = {
  id: 'pg_auto_failover',
  title: 'pg_auto_failover',
  hasMonitor: true,
  knowsCitus: true,
  setup: 'a monitor and two nodes, defaults',
  find(pgctl) {
    const bindir = dirname(pgctl);
    const program = findProgram('pg_autoctl', [bindir]);
    if (!program) return { missing: 'pg_autoctl is not installed' };
    const sharedir = outputOf(join(bindir, 'pg_config'), ['--sharedir']);
    if (!existsSync(join(sharedir, 'extension', 'pgautofailover.control'))) {
      return { missing: `its extension is not installed for the Postgres in ${bindir}` };
    }
    return {
      version: versionIn(outputOf(program, ['--version'])),
      create: (directory) => PgAutoFailover.create(program, pgctl, directory, PAIR),
      createCitus: (directory, workerGroups) =>
        PgAutoFailover.create(program, pgctl, directory, citusRoles(workerGroups)),
      createMonitor: (directory) => makePeerMonitor(pgctl, directory),
    };
  },
};
