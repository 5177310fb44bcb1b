import { Formation, type Member } from '@pgaf/testing/formation';
import { Network } from '@pgaf/testing/network';
import { pgafBin } from '@pgaf/testing/workspace';
import { PgafCitus } from '../citus/pgaf-citus.js';
import { makePgafMonitor } from '../monitor-load/pgaf-monitor.js';
import { outputOf, versionIn } from './find-program.js';
import { PATIENCE_MS, type Shape, type System, type SystemKind, type SystemNode } from './system.js';

/** pgaf beside what is common to all systems: the figures at rest and those of its own commands need more. */
export class PgafSystem implements System {
  private constructor(
    readonly formation: Formation,
    readonly network?: Network,
  ) {}

  static async create(pgctl: string, directory: string, { nodes, hosts }: Shape): Promise<PgafSystem> {
    if (hosts === 'loopback') return new PgafSystem(await Formation.create({ nodes, directory, pgctl }));
    const network = await Network.make();
    try {
      return new PgafSystem(await Formation.create({ nodes, directory, pgctl, network }), network);
    } catch (error) {
      await network.remove();
      throw error;
    }
  }

  get nodes(): readonly Member[] {
    return this.formation.nodes;
  }

  async waitUntilStable(): Promise<void> {
    // What the monitor knew before an event may look stable after it.
    await this.formation.waitUntilReported();
    await this.formation.waitUntilStable(PATIENCE_MS);
  }

  primary(): Promise<Member> {
    return this.formation.primary();
  }

  standby(): Promise<Member> {
    return this.formation.standby();
  }

  async switchover(): Promise<void> {
    const { status, stderr } = await this.formation.onMonitor(['perform', 'switchover']);
    if (status !== 0) throw new Error(`the switchover failed (${status}): ${stderr}`);
  }

  async stop(node: SystemNode): Promise<void> {
    const member = this.memberOf(node);
    const { status, stderr } = await member.host.run(['stop', '--pgdata', member.host.pgdata]);
    if (status !== 0) throw new Error(`pgaf stop failed (${status}): ${stderr}`);
    await member.service?.exited;
  }

  restart(node: SystemNode): Promise<void> {
    return this.formation.restart(this.memberOf(node));
  }

  async close(): Promise<void> {
    this.formation.probe.close();
    await this.network?.remove();
  }

  private memberOf(node: SystemNode): Member {
    return this.formation.named(node.host.name);
  }
}

export const pgaf: SystemKind = {
  id: 'pgaf',
  title: 'pgaf',
  anyShape: true,
  hasMonitor: true,
  knowsCitus: true,
  setup: 'a monitor and two nodes, defaults',
  find(pgctl) {
    return {
      version: versionIn(outputOf(process.execPath, [pgafBin(), 'version'])),
      create: (directory, shape) => PgafSystem.create(pgctl, directory, shape),
      createCitus: (directory, workerGroups) => PgafCitus.create(pgctl, directory, workerGroups),
      createMonitor: (directory) => makePgafMonitor(pgctl, directory),
    };
  },
};
