import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ComposeFormation } from './compose-formation.js';
import { composeV1, composeV2 } from './compose-program.js';
import { docker } from './docker.js';
import { citusImageOfCheckout, whyNoCitusInDocker } from './image-of-checkout.js';

const folder = (name: string) => fileURLToPath(new URL(`../../../docker/compose/${name}`, import.meta.url));
const noCitus = whyNoCitusInDocker();
const v1 = noCitus === null ? composeV1() : null;
const v2 = noCitus === null ? composeV2() : null;
// Each file by one version where both are here: what they do differently is the names that they generate.
const scaling = v1 ?? v2;
const naming = v2 ?? v1;

const STARTED_MS = 420_000;

async function formationOf(program: readonly string[], name: string): Promise<ComposeFormation> {
  const env = { PGAF_CITUS_IMAGE: await citusImageOfCheckout() };
  return ComposeFormation.of(program, folder(name), env);
}

const MAKE_TABLE = "CREATE TABLE companies (id int); SELECT create_distributed_table('companies', 'id')";
const FILL_TABLE = 'INSERT INTO companies SELECT generate_series(1, 75)';
const PLACES = 'SELECT DISTINCT nodename FROM citus_shards ORDER BY nodename';

describe.skipIf(scaling === null)('Compose scales Citus', () => {
  let formation: ComposeFormation;
  const sql = (query: string): string => {
    const uri = formation.pgaf('show', 'uri', '--formation', 'default').trim();
    return formation.inContainer('monitor', 'psql', '-XAt', '-d', uri, '-c', query).trim();
  };
  const addressOf = (name: string | undefined): string =>
    formation.onMonitor(`SELECT nodehost FROM pgautofailover.node WHERE nodename = '${name}'`);

  beforeAll(async () => void (formation = await formationOf(scaling ?? [], 'citus-scale')), 900_000);
  afterAll(() => formation?.remove(), 120_000);

  it(
    'to two coordinators and two workers, which the monitor puts into groups',
    async () => {
      formation.up('--scale', 'coord=2', '--scale', 'worker=2');
      const [, workers] = await formation.awaitAtRest(2, 2);
      const hosts = formation.onMonitor('SELECT nodehost FROM pgautofailover.node').split('\n');
      // An address would be another one when a container starts again.
      const generated = new RegExp(`^${formation.project.name}[-_](coord|worker)[-_]\\d\\.`);
      expect(hosts.filter((host) => !generated.test(host))).toEqual([]);
      formation.pgaf('activate', '--name', workers?.primary ?? '');
      sql(MAKE_TABLE);
      expect(sql(FILL_TABLE)).toBe('INSERT 0 75');
      expect(sql(PLACES)).toBe(addressOf(workers?.primary));
    },
    STARTED_MS,
  );

  it(
    'whose rows are those of the other worker after a switchover',
    async () => {
      const [, before] = await formation.awaitAtRest(2, 2);
      formation.pgaf('perform', 'switchover', '--group', '1');
      expect(sql('SELECT count(*) FROM companies')).toBe('75');
      const [, after] = await formation.awaitAtRest(2, 2);
      expect(after).toEqual({ primary: before?.secondaries[0], secondaries: [before?.primary] });
      expect(sql(PLACES)).toBe(addressOf(after?.primary));
    },
    STARTED_MS,
  );
});

describe.skipIf(naming === null)('Compose brings up Citus by name', () => {
  let formation: ComposeFormation;
  const sql = (query: string): string => formation.inContainer('app', 'psql', '-XAtc', query).trim();
  const restartOf = (service: string): string =>
    docker(
      'inspect',
      '--format',
      '{{.HostConfig.RestartPolicy.Name}}',
      formation.containersOf(service)[0] ?? '',
    );

  beforeAll(async () => void (formation = await formationOf(naming ?? [], 'citus')), 900_000);
  afterAll(() => formation?.remove(), 120_000);

  it(
    'with the groups that its nodes ask for, and a table on the workers',
    async () => {
      // The application has the coordinators started, and each of these the monitor.
      formation.up('app', 'worker1a', 'worker2a');
      expect(sql('SELECT current_user')).toBe('postgres');
      expect(restartOf('app')).toBe(restartOf('coord0a'));
      const [, one, two] = await formation.awaitAtRest(2, 1, 1);
      expect([one?.primary, two?.primary]).toEqual(['worker1a', 'worker2a']);
      for (const name of ['worker1a', 'worker2a']) formation.pgaf('activate', '--name', name);
      sql(MAKE_TABLE);
      expect(sql(FILL_TABLE)).toBe('INSERT 0 75');
      expect(sql(PLACES).split('\n')).toEqual(['worker1a', 'worker2a']);
    },
    STARTED_MS,
  );
});
