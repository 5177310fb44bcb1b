import { join } from 'node:path';
import { until } from '@pgaf/testing/deadline';
import { addEvidenceSource, removeEvidenceSource, type EvidenceSource } from '@pgaf/testing/evidence';
import { ComposeProject } from './compose-project.js';
import { runProgram } from './docker.js';
import { groupsAtRest, STATES_QUERY, type GroupAtRest } from './groups-at-rest.js';

const AT_REST_MS = 240_000;
const KEPT_EVENTS = 1000;

/** The formation of a Compose file, with its service `monitor`, and what a test asks it. */
export class ComposeFormation implements EvidenceSource {
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
    const project = await ComposeProject.of(program, join(directory, 'docker-compose.yml'), env);
    const formation = new ComposeFormation(project);
    addEvidenceSource(formation);
    return formation;
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

  /**
   * What a command prints in the first container of a service. Compose itself takes a second and more to begin one.
   * @throws Error with all that it printed when it fails.
   */
  inContainer(service: string, ...command: string[]): string {
    const { status, stdout, stderr } = runProgram([
      'docker',
      'exec',
      this.containersOf(service)[0] ?? '',
      ...command,
    ]);
    if (status === 0) return stdout;
    throw new Error(`${service}: ${command.join(' ')} failed (${status}):\n${stdout}${stderr}`);
  }

  /** The states, and the ends of all logs: for an error, so it throws none. */
  describe(): string {
    const monitor = this.containersOf('monitor')[0] ?? '';
    const states = runProgram(['docker', 'exec', monitor, 'pgaf', 'show', 'state']);
    return `${states.stdout}${states.stderr}${this.project.run('logs', '--tail=30').stdout}`;
  }

  /** The containers of a service that are there, ended ones too. */
  containersOf(service: string): readonly string[] {
    const known = this.containers.get(service) ?? [];
    if (known.length > 0) return known;
    const found = this.project.run('ps', '--quiet', '--all', service).stdout.split('\n').filter(Boolean);
    this.containers.set(service, found);
    return found;
  }

  /** States, events and all logs. */
  evidence(): Readonly<Record<string, () => Promise<string>>> {
    return {
      'states.txt': async () => this.pgaf('show', 'state'),
      'events.txt': async () => this.pgaf('show', 'events', '--count', String(KEPT_EVENTS)),
      'logs.txt': async () => this.project.run('logs', '--no-color').stdout,
    };
  }

  /** Ends everything of it, and removes containers, volumes and network. */
  async remove(): Promise<void> {
    removeEvidenceSource(this);
    await this.project.remove();
  }

  /**
   * Until each group has its primary, and all its other nodes follow.
   * @param sizes How many nodes each group is to have.
   */
  async awaitAtRest(...sizes: readonly number[]): Promise<GroupAtRest[]> {
    const seen = () => this.describe();
    const what = `groups of ${sizes.join(' and ')} at rest`;
    const wait = { what, deadlineMs: AT_REST_MS, everyMs: 500, seen };
    return until(wait, () => groupsAtRest(this.onMonitor(STATES_QUERY), sizes));
  }
}
