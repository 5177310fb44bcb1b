import { fileURLToPath } from 'node:url';
import { until } from '@pgaf/testing/deadline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ComposeFormation } from './compose-formation.js';
import { composeV1, composeV2 } from './compose-program.js';
import { docker } from './docker.js';
import { imageOfCheckout, whyNoDocker } from './image-of-checkout.js';
import { OwnEngine, whyNoOwnEngine } from './own-engine.js';

const folder = fileURLToPath(new URL('../../../docker/compose/two-nodes', import.meta.url));
const compose = whyNoDocker() === null && whyNoOwnEngine() === null ? (composeV2() ?? composeV1()) : null;

const SERVICES = ['monitor', 'node1', 'node2', 'app'];
const AGAIN_MS = 120_000;

describe.skipIf(compose === null)('two nodes whose Docker engine restarts', () => {
  const used = process.env['DOCKER_HOST'];
  let engine: OwnEngine;
  let pair: ComposeFormation;

  /** In the application's container, of whoever takes writes. */
  const sql = (query: string): string => pair.inContainer('app', 'psql', '-XAtc', query).trim();
  const startsOfAll = (): string[] =>
    SERVICES.map((service) =>
      docker('inspect', '--format', '{{.State.StartedAt}}', pair.containersOf(service)[0] ?? ''),
    );

  beforeAll(async () => {
    const image = await imageOfCheckout();
    engine = await OwnEngine.start(image);
    // Programs and this process's own client go there from now on.
    process.env['DOCKER_HOST'] = engine.address;
    pair = await ComposeFormation.of(compose ?? [], folder, { PGAF_IMAGE: image });
    pair.up(...SERVICES);
    await pair.awaitAtRest(2);
  }, 900_000);
  afterAll(async () => {
    try {
      await pair?.remove();
    } finally {
      if (used === undefined) delete process.env['DOCKER_HOST'];
      else process.env['DOCKER_HOST'] = used;
      await engine?.remove();
    }
  }, 180_000);

  it('are a primary and its standby again, with every row', async () => {
    expect(sql('CREATE TABLE companies AS SELECT generate_series(1, 75) AS id')).toBe('SELECT 75');
    const before = startsOfAll();
    await engine.restart();
    const wait = { deadlineMs: AGAIN_MS, everyMs: 500, seen: () => pair.describe() };
    await until({ ...wait, what: 'all containers to be started again' }, () =>
      startsOfAll().every((start, index) => start !== before[index]),
    );
    // What the monitor knows may be of the time before.
    await until({ ...wait, what: 'a standby that commits wait for' }, () =>
      /^(sync|quorum)$/.test(sql('SELECT sync_state FROM pg_stat_replication')),
    );
    expect(sql('INSERT INTO companies VALUES (76)')).toBe('INSERT 0 1');
    expect(sql('SELECT count(*) FROM companies')).toBe('76');
    await pair.awaitAtRest(2);
  }, 420_000);
});
