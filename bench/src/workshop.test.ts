import { existsSync } from 'node:fs';
import { processesIn } from '@pgaf/testing/process-table';
import { until } from '@pgaf/testing/deadline';
import { afterEach, expect, it } from 'vitest';
import { findPgCtl } from '../../tools/find-postgres.mjs';
import { outageOf } from './outage.js';
import { SCENARIOS, type Scenario } from './scenarios.js';
import { barePostgres } from './systems/bare-postgres.js';
import { pgaf } from './systems/pgaf.js';
import type { Installation, Shape, SystemKind } from './systems/system.js';
import { Workshop } from './workshop.js';

function installed(kind: SystemKind): Installation {
  const installation = kind.find(findPgCtl() ?? '');
  if ('missing' in installation) throw new Error(installation.missing);
  return installation;
}

/** The installation, and the directory of the system that it made last. */
function watched(kind: SystemKind): { installation: Installation; made: () => string } {
  const { version, create } = installed(kind);
  let made = '';
  const installation = {
    version,
    create: (directory: string, shape: Shape) => {
      made = directory;
      return create(directory, shape);
    },
  };
  return { installation, made: () => made };
}

function scenario(id: string): Scenario {
  const found = SCENARIOS.find((row) => row.id === id);
  if (!found) throw new Error(`there is no scenario ${id}`);
  return found;
}

let workshop: Workshop | undefined;
afterEach(() => workshop?.close());

it.each([
  // Twice, so that the first node is primary again.
  { kind: barePostgres, scenarios: ['switchover', 'switchover'] },
  { kind: pgaf, scenarios: ['switchover', 'standby-stop'] },
])('measures $kind.title, and leaves nothing behind', { timeout: 180_000 }, async ({ kind, scenarios }) => {
  const { installation, made } = watched(kind);
  workshop = new Workshop(installation);
  const system = await workshop.current();
  for (const [n, id] of scenarios.entries()) {
    const { port } = await system.primary();
    const run = await outageOf(system, scenario(id), `table_${n}`);
    expect(run).toMatchObject({ lost: 0 });
    expect(run.value).toBeGreaterThan(0.002);
    expect(run.acknowledged).toBeGreaterThan(100);
    const next = await system.primary();
    expect(next.port === port).toBe(id === 'standby-stop');
    expect((await system.standby()).port).not.toBe(next.port);
  }
  expect(await workshop.current()).toBe(system);
  await workshop.discard();
  expect(existsSync(made())).toBe(false);
  expect(processesIn(made())).toEqual([]);
});

it(
  'removes a system that is just being made, and makes none after it was closed',
  { timeout: 120_000 },
  async () => {
    const { installation, made } = watched(barePostgres);
    workshop = new Workshop(installation);
    const making = workshop.fresh().then(
      () => 'made',
      () => 'ended',
    );
    await until(
      { what: 'the first server to run', deadlineMs: 30_000 },
      () => made() !== '' && processesIn(made()).some(({ program }) => program === 'postgres'),
    );
    const directory = made();
    await workshop.close();
    expect(await making).toBe('ended');
    expect(existsSync(directory)).toBe(false);
    expect(processesIn(directory)).toEqual([]);
    let later = false;
    void workshop.current().finally(() => (later = true));
    await new Promise(setImmediate);
    expect(later).toBe(false);
    expect(made()).toBe(directory);
  },
);
