import { layOutCitus, coordinatorUri, primaryOfGroup, startCitusPairs } from 'e2e/citus/citus-formation';
import type { Formation, Member } from '@pgaf/testing/formation';
import { PATIENCE_MS, type CitusSystem, type SystemNode } from '../systems/system.js';

export class PgafCitus implements CitusSystem {
  private constructor(private readonly formation: Formation) {}

  static async create(pgctl: string, directory: string, workerGroups: number): Promise<PgafCitus> {
    const formation = await layOutCitus(workerGroups, 0, { pgctl, directory });
    await startCitusPairs(formation);
    return new PgafCitus(formation);
  }

  get uri(): string {
    return coordinatorUri(this.formation);
  }

  async waitUntilStable(): Promise<void> {
    await this.formation.waitUntilReported();
    await this.formation.waitUntilStable(PATIENCE_MS);
  }

  primaryOf(group: number): Promise<Member> {
    return primaryOfGroup(this.formation, group);
  }

  async switchoverOf(group: number): Promise<void> {
    const { status, stderr } = await this.formation.onMonitor([
      'perform',
      'switchover',
      '--group',
      String(group),
    ]);
    if (status !== 0) throw new Error(`the switchover failed (${status}): ${stderr}`);
  }

  restart(node: SystemNode): Promise<void> {
    return this.formation.restart(this.formation.named(node.host.name));
  }

  async close(): Promise<void> {
    this.formation.probe.close();
  }
}
