import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresWith } from './postgres-with.js';
import { citusVersion } from './real-citus.js';

describe('tests on real Citus', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'pgaf-real-citus-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** With this Postgres in use. */
  const env = (name: string, extensions: Readonly<Record<string, string>>) => ({
    PATH: '/usr/bin:/bin',
    PG_CONFIG: join(dirname(postgresWith(join(directory, name), extensions)), 'pg_config'),
  });

  it('run where it is available, and say which version', async () => {
    expect(await citusVersion(env('with', { citus: '13.0-1' }))).toBe('13.0-1');
  });

  it('are skipped where it is not, and fail there when it is required', async () => {
    const without = env('without', { plpgsql: '1.0' });
    expect(await citusVersion({ ...without, PGAF_REQUIRE_CITUS: '0' })).toBeNull();
    await expect(citusVersion({ ...without, PGAF_REQUIRE_CITUS: '1' })).rejects.toThrow(
      'PGAF_REQUIRE_CITUS=1, and the Postgres in use has no extension "citus"',
    );
  });
});
