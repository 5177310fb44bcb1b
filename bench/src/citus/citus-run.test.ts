import { existsSync } from 'node:fs';
import { citusVersion } from 'e2e/citus/real-citus';
import { afterAll, describe, expect, it } from 'vitest';
import { findPgCtl } from '../../../tools/find-postgres.mjs';
import { pgaf } from '../systems/pgaf.js';
import { Workshop } from '../workshop.js';
import { CITUS_ROWS } from './citus-rows.js';
import { citusRun } from './citus-run.js';

const version = await citusVersion();

describe.skipIf(version === null)('the bench on Citus', () => {
  let workshop: Workshop | undefined;
  afterAll(() => workshop?.close(), 60_000);

  it('measures what clients meet when a worker is switched over, and leaves nothing behind', async () => {
    const installation = pgaf.find(findPgCtl() ?? '');
    if ('missing' in installation) throw new Error(installation.missing);
    let made = '';
    workshop = new Workshop({
      ...installation,
      createCitus: async (directory, workerGroups) => {
        made = directory;
        const system = await installation.createCitus?.(directory, workerGroups);
        if (!system) throw new Error('it knows no Citus');
        return system;
      },
    });
    const row = CITUS_ROWS.find(({ id }) => id === 'citus-worker-switchover');
    if (!row) throw new Error('there is no such row');
    const { system } = await workshop.freshCitus(1);
    const run = await citusRun(system, row.event);
    expect(run).toMatchObject({ lost: 0, failures: 0 });
    expect(run.acknowledged).toBeGreaterThan(50);
    expect(row.valueOf(run)).toBeGreaterThan(0);
    expect(await workshop.currentCitus()).toBe(system);
    await workshop.discard();
    expect(existsSync(made)).toBe(false);
  }, 240_000);
});
