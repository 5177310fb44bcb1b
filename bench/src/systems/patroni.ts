import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freePorts } from '@pgaf/core/testing/free-ports';
import { until } from '@pgaf/testing/deadline';
import { findProgram, outputOf, versionIn } from './find-program.js';
import { PeerHost } from './peer-host.js';
import { synchronousPair, type Pair } from './replication.js';
import { PATIENCE_MS, type System, type SystemKind, type SystemNode } from './system.js';

interface Programs {
  readonly patroni: string;
  readonly patronictl: string;
  readonly etcd: string;
  readonly bindir: string;
}

interface PeerNode extends SystemNode {
  readonly host: PeerHost;
  /** Of its REST API. */
  readonly apiPort: number;
}

/** What /cluster of the REST API answers, as far as it is read here. */
interface Cluster {
  readonly members: readonly { readonly name: string; readonly role: string; readonly state: string }[];
}

/** The values of the samples that Patroni comes with, and synchronous_mode. */
const CLUSTER_SETTINGS = {
  ttl: 30,
  loop_wait: 10,
  retry_timeout: 10,
  maximum_lag_on_failover: 1048576,
  synchronous_mode: true,
  postgresql: { use_pg_rewind: true, use_slots: true },
};

/** YAML takes JSON as it is. */
function configurationOf(node: PeerNode, programs: Programs, etcdPort: number): string {
  const address = `127.0.0.1:${node.port}`;
  const api = `127.0.0.1:${node.apiPort}`;
  return JSON.stringify({
    scope: 'bench',
    name: node.host.name,
    restapi: { listen: api, connect_address: api },
    etcd3: { hosts: `127.0.0.1:${etcdPort}` },
    bootstrap: { dcs: CLUSTER_SETTINGS, initdb: [{ encoding: 'UTF8' }, 'data-checksums'] },
    postgresql: {
      listen: address,
      connect_address: address,
      data_dir: node.host.pgdata,
      bin_dir: programs.bindir,
      pgpass: join(node.host.directory, 'pgpass'),
      pg_hba: [
        'local all all trust',
        'host all all 127.0.0.1/32 trust',
        'host replication all 127.0.0.1/32 trust',
      ],
      authentication: {
        superuser: { username: 'postgres' },
        replication: { username: 'replicator' },
        rewind: { username: 'rewinder' },
      },
      parameters: { unix_socket_directories: node.host.directory },
    },
  });
}

function configurationFile(host: PeerHost): string {
  return join(host.directory, 'patroni.yml');
}

class Patroni implements System {
  private constructor(
    private readonly programs: Programs,
    private readonly etcd: PeerHost,
    readonly nodes: readonly PeerNode[],
  ) {}

  static async create(programs: Programs, directory: string): Promise<Patroni> {
    const [client = 0, peer = 0, ...ports] = await freePorts(6);
    const etcd = new PeerHost('etcd', join(directory, 'etcd'));
    const nodes = [0, 1].map((i): PeerNode => {
      const name = `node_${i + 1}`;
      const [port = 0, apiPort = 0] = ports.slice(2 * i);
      return { host: new PeerHost(name, join(directory, name)), port, apiPort };
    });
    const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
    const listen = ['--listen-client-urls', clientUrl, '--listen-peer-urls', peerUrl];
    const advertise = ['--advertise-client-urls', clientUrl, '--initial-advertise-peer-urls', peerUrl];
    const member = ['--name', 'bench', '--initial-cluster', `bench=${peerUrl}`, '--data-dir', etcd.pgdata];
    await etcd.start([programs.etcd, ...member, ...listen, ...advertise]);
    const system = new Patroni(programs, etcd, nodes);
    for (const node of nodes) {
      writeFileSync(configurationFile(node.host), configurationOf(node, programs, client), { mode: 0o644 });
      await system.restart(node);
    }
    await system.waitUntilStable();
    return system;
  }

  async waitUntilStable(): Promise<void> {
    await this.pair();
  }

  async primary(): Promise<PeerNode> {
    return this.peerOf((await this.pair()).primary);
  }

  async standby(): Promise<PeerNode> {
    return this.peerOf((await this.pair()).standby);
  }

  async switchover(): Promise<void> {
    const [first] = this.nodes;
    if (!first) throw new Error('a cluster has nodes');
    const { patronictl } = this.programs;
    await first.host.run([patronictl, '-c', configurationFile(first.host), 'switchover', '--force']);
  }

  /** As its unit of systemd does. */
  async stop(node: SystemNode): Promise<void> {
    const { host } = this.peerOf(node);
    const service = host.processes().find(({ command }) => command.includes(this.programs.patroni));
    if (!service) throw new Error(`${host.name} runs no Patroni`);
    process.kill(service.pid, 'SIGTERM');
    await this.wait(`${host.name} to stop`, () => Promise.resolve(host.processes().length === 0));
  }

  restart(node: SystemNode): Promise<void> {
    const { host } = this.peerOf(node);
    return host.start([this.programs.patroni, configurationFile(host)]);
  }

  async close(): Promise<void> {}

  /** As Postgres says, once Patroni's own record says the same: a switchover goes by the record. */
  private pair(): Promise<Pair> {
    return this.wait('a leader and its synchronous standby', async () => {
      const pair = await synchronousPair(this.nodes);
      if (!pair) return null;
      const { apiPort } = this.peerOf(pair.primary);
      const answer = await fetch(`http://127.0.0.1:${apiPort}/cluster`);
      const { members } = (await answer.json()) as Cluster;
      const has = (node: SystemNode, role: string) =>
        members.some(
          (member) =>
            member.name === node.host.name &&
            member.role === role &&
            ['running', 'streaming'].includes(member.state),
        );
      return has(pair.primary, 'leader') && has(pair.standby, 'sync_standby') ? pair : null;
    });
  }

  private peerOf(node: SystemNode): PeerNode {
    const peer = this.nodes.find(({ port }) => port === node.port);
    if (!peer) throw new Error(`${node.host.name} is not a node of this system`);
    return peer;
  }

  private wait<T>(what: string, probe: () => Promise<T | null | false>): Promise<T> {
    const logs = () => [this.etcd, ...this.nodes.map(({ host }) => host)].map((host) => host.logTail(15));
    return until({ what, deadlineMs: PATIENCE_MS, everyMs: 100, seen: () => logs().join('\n') }, probe);
  }
}

export const patroni: SystemKind = {
  id: 'patroni',
  title: 'Patroni',
  setup: 'one etcd and two nodes, the settings of its samples (ttl 30 s), synchronous_mode on',
  find(pgctl) {
    const [program, patronictl, etcd] = ['patroni', 'patronictl', 'etcd'].map((name) => findProgram(name));
    if (!program || !patronictl) return { missing: 'patroni is not installed' };
    if (!etcd) return { missing: 'etcd is not installed' };
    const versions = [outputOf(program, ['--version']), outputOf(etcd, ['--version'])].map(versionIn);
    const programs = { patroni: program, patronictl, etcd, bindir: dirname(pgctl) };
    return {
      version: `${versions[0]} with etcd ${versions[1]}`,
      create: (directory) => Patroni.create(programs, directory),
    };
  },
};
