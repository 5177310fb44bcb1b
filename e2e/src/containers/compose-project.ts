import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newRun, removeRun, sweepContainers } from '@pgaf/testing/container-engine';
import { labelsOf, RUN } from '@pgaf/testing/owner-labels';
import { docker, runProgram, type Ended } from './docker.js';

/** What every service, volume and network of a project gets in addition; JSON is YAML. */
export function labelling(
  services: readonly string[],
  volumes: readonly string[],
  labels: Readonly<Record<string, string>>,
): string {
  const each = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, { labels }]));
  return JSON.stringify({ services: each(services), volumes: each(volumes), networks: each(['default']) });
}

function listed(...args: readonly string[]): string[] {
  return docker(...args)
    .split('\n')
    .filter(Boolean);
}

/** Those parts of projects that the engine still has. */
export function stillThere(parts: readonly string[]): string[] {
  const there = new Set([
    ...listed('ps', '--all', '--quiet', '--no-trunc'),
    ...listed('network', 'ls', '--quiet', '--no-trunc'),
    ...listed('volume', 'ls', '--quiet'),
  ]);
  return parts.filter((part) => there.has(part));
}

/** A Compose file that is brought up for a test. What it makes goes at the latest when another test sweeps. */
export class ComposeProject {
  private constructor(
    private readonly program: readonly string[],
    private readonly files: readonly string[],
    /** Of the project, and of the run. */
    readonly name: string,
    private readonly directory: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /**
   * Nothing of it runs yet.
   * @param program Of Compose, and what comes before its arguments.
   * @param env Variables that the file asks for.
   */
  static async of(program: readonly string[], file: string, env: NodeJS.ProcessEnv): Promise<ComposeProject> {
    await sweepContainers();
    const name = newRun();
    const directory = mkdtempSync(join(tmpdir(), 'pgaf-compose-'));
    const plain = new ComposeProject(program, [file], name, directory, env);
    const listed = (what: string): string[] => {
      const { status, stdout, stderr } = plain.run('config', what);
      if (status !== 0) throw new Error(`${file}: ${stderr}`);
      return stdout.split('\n').filter(Boolean);
    };
    const labels = join(directory, 'labels.yml');
    writeFileSync(labels, labelling(listed('--services'), listed('--volumes'), labelsOf(name)));
    return new ComposeProject(program, [file, labels], name, directory, env);
  }

  run(...args: readonly string[]): Ended {
    const files = this.files.flatMap((file) => ['--file', file]);
    return runProgram([...this.program, '--project-name', this.name, ...files, ...args], this.env);
  }

  /** Its containers, networks and volumes, also those without a name, of which only containers tell whose they are. */
  parts(): readonly string[] {
    const ours = ['--filter', `label=${RUN}=${this.name}`];
    const containers = listed('ps', '--all', '--quiet', '--no-trunc', ...ours);
    const mounted = '{{range .Mounts}}{{println .Name}}{{end}}';
    return [
      ...containers,
      ...listed('network', 'ls', '--quiet', '--no-trunc', ...ours),
      ...listed('volume', 'ls', '--quiet', ...ours),
      ...(containers.length > 0 ? listed('inspect', '--format', mounted, ...containers) : []),
    ];
  }

  /** Ends everything of it, and removes containers, volumes and network. */
  async remove(): Promise<void> {
    try {
      this.run('down', '--volumes', '--timeout', '0');
    } finally {
      await removeRun(this.name);
      rmSync(this.directory, { recursive: true, force: true });
    }
  }
}
