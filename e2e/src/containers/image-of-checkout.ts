import { whyNoEngine } from '../../../docker/engine.mjs';
import { buildImages } from '../../../docker/images.mjs';
import { unlessRequired } from '@pgaf/testing/container-support';

/**
 * Why no container runs here, for tests to skip by; null where there is an engine.
 * @throws Error where PGAF_REQUIRE_CONTAINERS=1 and there is none.
 */
export function whyNoDocker(): string | null {
  return unlessRequired(whyNoEngine());
}

/** The image of this checkout: `npm test` has built it before all tests and names it; without that it is built now. */
export async function imageOfCheckout(): Promise<string> {
  return process.env['PGAF_IMAGE'] ?? (await buildImages({ say: (line) => console.log(line) })).pgaf;
}
