import { fileURLToPath } from 'node:url';
import { until } from '@pgaf/testing/deadline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ComposeFormation } from './compose-formation.js';
import { composeV1, composeV2 } from './compose-program.js';
import { stillThere } from './compose-project.js';
import { docker, runProgram } from './docker.js';
import { imageOfCheckout, whyNoDocker } from './image-of-checkout.js';

const folder = fileURLToPath(new URL('../../../docker/compose/three-nodes', import.meta.url));
const noEngine = whyNoDocker();
const versions = [
  { version: 1, program: noEngine === null ? composeV1() : null },
  { version: 2, program: noEngine === null ? composeV2() : null },
];

const NODES = ['node1', 'node2', 'node3'];
/** The file has the demonstration fail over after 10 s. */
const DEMO_SECONDS = 18;
const DEMO_ENDS_MS = 120_000;
const HEALTHY_MS = 90_000;
const STARTED_MS = 420_000;

const healthOf = (container: string, format: string): string =>
  docker('inspect', '--format', format, container);

describe.each(versions)('Compose, version $version, brings up three nodes', ({ program }) => {
  let formation: ComposeFormation;
  const app = (): string => formation.containersOf('app')[0] ?? '';
  const logOfApp = (): string => {
    const { stdout, stderr } = runProgram(['docker', 'logs', app()]);
    return stdout + stderr;
  };

  beforeAll(async () => {
    if (program === null) return;
    const env = { PGAF_IMAGE: await imageOfCheckout(), DEMO_DURATION: String(DEMO_SECONDS) };
    formation = await ComposeFormation.of(program, folder, env);
  }, 900_000);
  afterAll(() => formation?.remove(), 120_000);

  it.skipIf(program === null)(
    'that become healthy, and then starts the demonstration',
    async () => {
      formation.up();
      expect(docker('inspect', '--format', '{{.State.Running}}', app())).toBe('true');
      // Compose has waited for it. On a busy machine a health check may take longer than it may, three times in a row.
      const services = ['monitor', ...NODES];
      const health = (format: string) =>
        services.map(
          (service) => `${service}: ${healthOf(formation.containersOf(service)[0] ?? '', format)}`,
        );
      const seen = () => health('{{json .State.Health}}').join('\n');
      const wait = { what: 'all to be healthy', deadlineMs: HEALTHY_MS, everyMs: 500, seen };
      await until(wait, () => health('{{.State.Health.Status}}').every((line) => line.endsWith(': healthy')));
    },
    STARTED_MS,
  );

  it.skipIf(program === null)(
    'whose demonstration loses no row while two of them change places',
    async () => {
      const state = () => docker('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', app());
      const seen = () => `${formation.describe()}${logOfApp()}`;
      await until(
        { what: 'the demonstration to end', deadlineMs: DEMO_ENDS_MS, everyMs: 500, seen },
        () => !state().startsWith('running'),
      );
      const log = logOfApp();
      expect(state(), log).toBe('exited 0');
      const [, promoted] = /"(node\d)" is the primary, .* after the order/.exec(log) ?? [];
      const [, acknowledged] = /(\d+) rows were acknowledged, and all of them are there/.exec(log) ?? [];
      expect(Number(acknowledged), log).toBeGreaterThan(0);

      const [group] = await formation.awaitAtRest(3);
      expect(group?.primary, log).toBe(promoted);
      // One promotion, and no other one.
      expect(formation.onMonitor('SELECT DISTINCT reportedtli FROM pgautofailover.node')).toBe('2');
      const asked = ['run', '--rm', '-T', '--no-deps', 'app', 'pgaf', 'demo', 'summary', '--json'];
      const { clients } = JSON.parse(formation.project.run(...asked).stdout);
      expect(clients.at(-1)).toMatchObject({ client: null, connections: Number(acknowledged) });
    },
    STARTED_MS,
  );

  it.skipIf(program === null)(
    'and takes them down with everything that was theirs',
    () => {
      const parts = formation.project.parts();
      expect(stillThere(parts)).toEqual(parts);
      const { status, stderr } = formation.project.run('down', '--volumes');
      expect(status, stderr).toBe(0);
      expect([...stillThere(parts), ...formation.project.parts()]).toEqual([]);
    },
    STARTED_MS,
  );
});
