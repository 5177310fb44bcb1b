import { findBindir } from '@pgaf/postgres/binaries';
import { availableExtension } from '@pgaf/postgres/extension-version';

/**
 * The version of the Citus of the Postgres in use, or null where there is none: its tests are skipped then.
 * @throws Error where there is none and PGAF_REQUIRE_CITUS=1 says that there must be.
 */
export async function citusVersion(env: NodeJS.ProcessEnv = process.env): Promise<string | null> {
  const found = await availableExtension(await findBindir({ env }), 'citus');
  if (found.tag === 'available') {
    console.log(`These tests run on Citus ${found.version}.`);
    return found.version;
  }
  if (env['PGAF_REQUIRE_CITUS'] === '1') {
    throw new Error('PGAF_REQUIRE_CITUS=1, and the Postgres in use has no extension "citus"');
  }
  return null;
}
