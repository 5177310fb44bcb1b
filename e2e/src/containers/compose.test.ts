import { chmodSync, chownSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '@pgaf/testing/deadline';
import { ComposeProject } from './compose-project.js';
import { composeV1, composeV2 } from './compose-program.js';
import { runProgram } from './docker.js';
import { imageOfCheckout, whyNoDocker } from './image-of-checkout.js';

const folder = fileURLToPath(new URL('../../../docker/compose/two-nodes', import.meta.url));
const noEngine = whyNoDocker();
const v1 = noEngine === null ? composeV1() : null;
const v2 = noEngine === null ? composeV2() : null;

const READY_MS = 240_000;
const STARTED_MS = 420_000;

/** The two nodes of the Compose file, and what a test asks them. */
class Pair {
  private readonly containers = new Map<string, string>();

  private constructor(readonly project: ComposeProject) {}

  static async of(program: readonly string[], directory: string): Promise<Pair> {
    const PGAF_IMAGE = await imageOfCheckout();
    const file = join(directory, 'docker-compose.yml');
    return new Pair(await ComposeProject.of(program, file, { PGAF_IMAGE }));
  }

  pgaf(...args: string[]): string {
    return this.inContainer('monitor', 'pgaf', ...args);
  }

  /** In the application's container, of whoever takes writes. */
  sql(query: string): string {
    return this.inContainer('app', 'psql', '-XAtc', query).trim();
  }

  onMonitor(query: string): string {
    return this.inContainer('monitor', 'psql', '-XAtd', 'pg_auto_failover', '-c', query).trim();
  }

  up(): void {
    const { status, stderr } = this.project.run('up', '--detach');
    expect(status, stderr).toBe(0);
    this.containers.clear();
  }

  containerOf(service: string): string {
    const known = this.containers.get(service) || this.project.run('ps', '--quiet', service).stdout.trim();
    this.containers.set(service, known);
    return known;
  }

  async awaitReady(): Promise<{ primary: string; secondary: string }> {
    const seen = () => `${this.pgaf('show', 'state')}${this.project.run('logs', '--tail=30').stdout}`;
    const wait = { what: 'a primary with its standby', deadlineMs: READY_MS, everyMs: 500, seen };
    const query =
      "SELECT string_agg(nodename || ' ' || reportedstate, ' ') FROM pgautofailover.node WHERE reportedstate = goalstate";
    return until(wait, () => {
      const states = this.onMonitor(query);
      const [primary, secondary] = [/(\w+) primary\b/, /(\w+) secondary\b/].map((of) => of.exec(states)?.[1]);
      return primary !== undefined && secondary !== undefined ? { primary, secondary } : null;
    });
  }

  /** Compose itself takes a second and more to begin a command. */
  private inContainer(service: string, ...command: string[]): string {
    return runProgram(['docker', 'exec', this.containerOf(service), ...command]).stdout;
  }
}

/** The folder as a user has it who cloned by umask 002, and who is not the one of the containers. */
function clonedByGroup(): string {
  const copy = mkdtempSync(join(tmpdir(), 'pgaf-compose-files-'));
  cpSync(folder, copy, { recursive: true });
  chmodSync(copy, 0o775);
  for (const name of readdirSync(copy, { recursive: true, encoding: 'utf8' })) {
    const path = join(copy, name);
    chmodSync(path, name.includes('.') ? 0o664 : 0o775);
    if (process.getuid?.() === 0) chownSync(path, 1000, 1000);
  }
  return copy;
}

function itReachesWhoeverTakesWrites(pair: () => Pair): void {
  it(
    'with a container that reaches whoever takes writes',
    async () => {
      pair().up();
      await pair().awaitReady();
      expect(pair().sql('CREATE TABLE companies AS SELECT generate_series(1, 75) AS id')).toBe('SELECT 75');
      expect(pair().pgaf('show', 'uri', '--formation', 'default')).toMatch(
        /^postgres:\/\/node[12]:5432,node[12]:5432\/tutorial\?target_session_attrs=read-write&sslmode=require$/m,
      );
    },
    STARTED_MS,
  );
}

describe.skipIf(v1 === null)('Compose, version 1, brings up two nodes', () => {
  let pair: Pair;
  beforeAll(async () => void (pair = await Pair.of(v1 ?? [], folder)), 900_000);
  afterAll(() => pair?.project.remove(), 120_000);

  itReachesWhoeverTakesWrites(() => pair);

  it(
    'that change places when they are told to',
    async () => {
      const { primary, secondary } = await pair.awaitReady();
      expect(pair.pgaf('perform', 'switchover')).toMatch(/primary/);
      expect(pair.sql('SELECT count(*) FROM companies')).toBe('75');
      expect(await pair.awaitReady()).toEqual({ primary: secondary, secondary: primary });
    },
    STARTED_MS,
  );
});

describe.skipIf(v2 === null)('Compose, version 2, brings up two nodes', () => {
  let directory = '';
  let pair: Pair;
  beforeAll(async () => {
    directory = clonedByGroup();
    pair = await Pair.of(v2 ?? [], directory);
  }, 900_000);
  afterAll(async () => {
    await pair?.project.remove();
    if (directory) rmSync(directory, { recursive: true });
  }, 120_000);

  itReachesWhoeverTakesWrites(() => pair);
});
