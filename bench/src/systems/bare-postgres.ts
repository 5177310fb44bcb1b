import { appendFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freePorts } from '@pgaf/core/testing/free-ports';
import { until } from '@pgaf/testing/deadline';
import { outputOf, versionIn } from './find-program.js';
import { PeerHost } from './peer-host.js';
import { onNode, synchronousPair, type Pair } from './replication.js';
import { PATIENCE_MS, type System, type SystemKind, type SystemNode } from './system.js';

interface BareNode extends SystemNode {
  readonly host: PeerHost;
}

class BarePostgres implements System {
  private constructor(
    private readonly bindir: string,
    readonly nodes: readonly [BareNode, BareNode],
  ) {}

  static async create(bindir: string, directory: string): Promise<BarePostgres> {
    const [first = 0, second = 0] = await freePorts(2);
    const node = (name: string, port: number): BareNode => ({
      host: new PeerHost(name, join(directory, name)),
      port,
    });
    const [primary, standby] = [node('node_1', first), node('node_2', second)] as const;
    const system = new BarePostgres(bindir, [primary, standby]);
    const initdb = [join(bindir, 'initdb'), '--pgdata', primary.host.pgdata, '--username', 'postgres'];
    await primary.host.run([...initdb, '--auth', 'trust', '--encoding', 'UTF8', '--data-checksums']);
    system.configure(primary);
    await system.restart(primary);
    const source = `host=127.0.0.1 port=${primary.port} user=postgres`;
    const copy = ['--pgdata', standby.host.pgdata, '--checkpoint', 'fast', '--dbname', source];
    await standby.host.run([join(bindir, 'pg_basebackup'), ...copy]);
    system.configure(standby);
    await system.follow(standby);
    await system.requireStandby(primary);
    await system.waitUntilStable();
    return system;
  }

  async waitUntilStable(): Promise<void> {
    await this.pair();
  }

  async primary(): Promise<BareNode> {
    return this.bareOf((await this.pair()).primary);
  }

  async standby(): Promise<BareNode> {
    return this.bareOf((await this.pair()).standby);
  }

  /** What an operator does who takes care: write dirty buffers out first, stop, promote, let the old one follow. */
  async switchover(): Promise<void> {
    const pair = await this.pair();
    const [old, next] = [this.bareOf(pair.primary), this.bareOf(pair.standby)];
    await onNode(old, (client) => client.query('CHECKPOINT'));
    await this.stop(old);
    await this.pgCtl(next, ['promote']);
    await this.follow(old);
    await onNode(old, async (client) => {
      await client.query('ALTER SYSTEM RESET synchronous_standby_names');
      await client.query('SELECT pg_reload_conf()');
    });
    await this.requireStandby(next);
  }

  async stop(node: SystemNode): Promise<void> {
    await this.pgCtl(this.bareOf(node), ['stop', '--mode', 'fast']);
  }

  async restart(node: SystemNode): Promise<void> {
    const bare = this.bareOf(node);
    await this.pgCtl(bare, ['start', '--log', bare.host.logFile]);
  }

  async close(): Promise<void> {}

  private configure(node: BareNode): void {
    const other = this.nodes.find(({ port }) => port !== node.port);
    const lines = [
      `port = ${node.port}`,
      `listen_addresses = '127.0.0.1'`,
      `unix_socket_directories = '${node.host.directory}'`,
      `primary_conninfo = 'host=127.0.0.1 port=${other?.port} user=postgres application_name=${node.host.name}'`,
    ];
    // The last line about a setting counts, also in the copy of the other's file.
    appendFileSync(join(node.host.pgdata, 'postgresql.conf'), `${lines.join('\n')}\n`);
  }

  /** Starts a node, which does not run, as a standby of the other. */
  private async follow(node: BareNode): Promise<void> {
    writeFileSync(join(node.host.pgdata, 'standby.signal'), '');
    await this.restart(node);
  }

  private async requireStandby(primary: BareNode): Promise<void> {
    await onNode(primary, async (client) => {
      await client.query(`ALTER SYSTEM SET synchronous_standby_names = '*'`);
      await client.query('SELECT pg_reload_conf()');
    });
  }

  private async pgCtl(node: BareNode, args: readonly string[]): Promise<void> {
    await node.host.run([join(this.bindir, 'pg_ctl'), ...args, '--pgdata', node.host.pgdata, '--wait']);
  }

  private pair(): Promise<Pair> {
    const logs = () => this.nodes.map(({ host }) => host.logTail(15)).join('\n');
    return until({ what: 'a primary and its synchronous standby', deadlineMs: PATIENCE_MS, seen: logs }, () =>
      synchronousPair(this.nodes),
    );
  }

  private bareOf(node: SystemNode): BareNode {
    const bare = this.nodes.find(({ port }) => port === node.port);
    if (!bare) throw new Error(`${node.host.name} is not a node of this system`);
    return bare;
  }
}

export const barePostgres: SystemKind = {
  id: 'bare',
  title: 'bare Postgres',
  onlyByHand: true,
  setup: 'two servers, the switchover by hand: CHECKPOINT, pg_ctl stop --mode fast, pg_ctl promote',
  find(pgctl) {
    const bindir = dirname(pgctl);
    return {
      version: versionIn(outputOf(join(bindir, 'postgres'), ['--version'])),
      create: (directory) => BarePostgres.create(bindir, directory),
    };
  },
};
