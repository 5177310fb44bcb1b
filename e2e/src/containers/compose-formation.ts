import { join } from 'node:path';
import { until } from '@pgaf/testing/deadline';
import { ComposeProject } from './compose-project.js';
import { runProgram } from './docker.js';
import { groupsAtRest, STATES_QUERY, type GroupAtRest } from './groups-at-rest.js';

const AT_REST_MS = 240_000;

/** The formation of a Compose file, with its service `monitor`, and what a test asks it. */
export class ComposeFormation {
  private readonly containers = new Map<string, readonly string[]>();

  private constructor(readonly project: ComposeProject) {}

  /**
   * Nothing of it runs yet.
   * @param directory Where its `docker-compose.yml` is.
   */
  static async of(
    program: readonly string[],
    directory: string,
    env: NodeJS.ProcessEnv,
  ): Promise<ComposeFormation> {
    return new ComposeFormation(await ComposeProject.of(program, join(directory, 'docker-compose.yml'), env));
  }

  /** @throws Error with what Compose says when it fails. */
  up(...options: readonly string[]): void {
    const { status, stderr } = this.project.run('up', '--detach', ...options);
    this.containers.clear();
    if (status !== 0) throw new Error(`up failed (${status}): ${stderr}`);
  }

  /** In the monitor's container. */
  pgaf(...args: string[]): string {
    return this.inContainer('monitor', 'pgaf', ...args);
  }

  /** In the monitor's container, of its database. */
  onMonitor(query: string): string {
    return this.inContainer('monitor', 'psql', '-XAtd', 'pg_auto_failover', '-c', query).trim();
  }

  /** What a command prints in the first container of a service. Compose itself takes a second and more to begin one. */
  inContainer(service: string, ...command: string[]): string {
    return runProgram(['docker', 'exec', this.containersOf(service)[0] ?? '', ...command]).stdout;
  }

  /** The containers of a service that are there, ended ones too. */
  containersOf(service: string): readonly string[] {
    const known = this.containers.get(service) ?? [];
    if (known.length > 0) return known;
    const found = this.project.run('ps', '--quiet', '--all', service).stdout.split('\n').filter(Boolean);
    this.containers.set(service, found);
    return found;
  }

  /**
   * Until each group has its primary, and all its other nodes follow.
   * @param sizes How many nodes each group is to have.
   */
  async awaitAtRest(...sizes: readonly number[]): Promise<GroupAtRest[]> {
    const seen = () => `${this.pgaf('show', 'state')}${this.project.run('logs', '--tail=30').stdout}`;
    const what = `groups of ${sizes.join(' and ')} at rest`;
    const wait = { what, deadlineMs: AT_REST_MS, everyMs: 500, seen };
    return until(wait, () => groupsAtRest(this.onMonitor(STATES_QUERY), sizes));
  }
}
