import { chmodSync, chownSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '@pgaf/testing/deadline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ComposeFormation } from './compose-formation.js';
import { composeV1, composeV2 } from './compose-program.js';
import { docker } from './docker.js';
import { imageOfCheckout, whyNoDocker } from './image-of-checkout.js';

const folder = fileURLToPath(new URL('../../../docker/compose/two-nodes', import.meta.url));
const noEngine = whyNoDocker();
const v1 = noEngine === null ? composeV1() : null;
const v2 = noEngine === null ? composeV2() : null;

const STARTED_MS = 420_000;
const AT_REST_MS = 120_000;

const addressOf = (container: string): string =>
  docker('inspect', '--format', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', container);

/** In the application's container, of whoever takes writes. */
const sql = (pair: ComposeFormation, query: string): string =>
  pair.inContainer('app', 'psql', '-XAtc', query).trim();

async function pairOf(program: readonly string[], directory: string): Promise<ComposeFormation> {
  return ComposeFormation.of(program, directory, { PGAF_IMAGE: await imageOfCheckout() });
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

function itReachesWhoeverTakesWrites(pair: () => ComposeFormation): void {
  it(
    'with a container that reaches whoever takes writes',
    async () => {
      // It has the others started, and is there when they are.
      pair().up('app');
      expect(sql(pair(), 'SELECT current_user')).toBe('tutorial');
      await pair().awaitAtRest(2);
      expect(sql(pair(), 'CREATE TABLE companies AS SELECT generate_series(1, 75) AS id')).toBe('SELECT 75');
      expect(pair().pgaf('show', 'uri', '--formation', 'default')).toMatch(
        /^postgres:\/\/node[12]:5432,node[12]:5432\/tutorial\?target_session_attrs=read-write&sslmode=require$/m,
      );
    },
    STARTED_MS,
  );
}

describe.skipIf(v1 === null)('Compose, version 1, brings up two nodes', () => {
  let pair: ComposeFormation;
  beforeAll(async () => void (pair = await pairOf(v1 ?? [], folder)), 900_000);
  afterAll(() => pair?.remove(), 120_000);

  itReachesWhoeverTakesWrites(() => pair);

  it(
    'that change places when they are told to',
    async () => {
      const [before] = await pair.awaitAtRest(2);
      expect(pair.pgaf('perform', 'switchover')).toMatch(/primary/);
      expect(sql(pair, 'SELECT count(*) FROM companies')).toBe('75');
      const [after] = await pair.awaitAtRest(2);
      expect(after).toEqual({ primary: before?.secondaries[0], secondaries: [before?.primary] });
    },
    STARTED_MS,
  );

  it(
    'of which one follows when its container starts again at another address',
    async () => {
      const [before] = await pair.awaitAtRest(2);
      const container = pair.containersOf(before?.primary ?? '')[0] ?? '';
      const earlier = addressOf(container);
      docker('stop', '--time', '30', container);
      const inItsPlace = pair.project.run('run', '--detach', '--no-deps', 'app').stdout.trim();
      try {
        expect(addressOf(inItsPlace)).toBe(earlier);
        docker('start', container);
        const now = addressOf(container);
        expect(now).not.toBe(earlier);
        const streaming = () => sql(pair, 'SELECT host(client_addr), sync_state FROM pg_stat_replication');
        const wait = { what: `a standby that commits wait for at ${now}`, deadlineMs: AT_REST_MS };
        await until({ ...wait, everyMs: 500, seen: () => pair.describe() }, () =>
          new RegExp(`^${now}\\|(sync|quorum)$`).test(streaming()),
        );
        expect(sql(pair, 'INSERT INTO companies VALUES (76)')).toBe('INSERT 0 1');
        const [after] = await pair.awaitAtRest(2);
        expect(after).toEqual({ primary: before?.secondaries[0], secondaries: [before?.primary] });
      } finally {
        docker('rm', '--force', '--volumes', inItsPlace);
      }
    },
    STARTED_MS,
  );
});

describe.skipIf(v2 === null)('Compose, version 2, brings up two nodes', () => {
  let directory = '';
  let pair: ComposeFormation;
  beforeAll(async () => {
    directory = clonedByGroup();
    pair = await pairOf(v2 ?? [], directory);
  }, 900_000);
  afterAll(async () => {
    await pair?.remove();
    if (directory) rmSync(directory, { recursive: true });
  }, 120_000);

  itReachesWhoeverTakesWrites(() => pair);
});
