import { whyNoEngine } from '../../../docker/engine.mjs';
import { hostCitus } from '../../../docker/host-citus.mjs';
import { buildImages } from '../../../docker/images.mjs';
import { unlessRequired } from '@pgaf/testing/container-support';

/** Of the images that are built unless told. */
const MAJOR = 15;

/**
 * Why no container runs here, for tests to skip by; null where there is an engine.
 * @throws Error where PGAF_REQUIRE_CONTAINERS=1 and there is none.
 */
export function whyNoDocker(): string | null {
  return unlessRequired(whyNoEngine());
}

/**
 * Why no container runs Citus here; null where one does.
 * @throws Error where that must be: PGAF_REQUIRE_CONTAINERS=1 without an engine, PGAF_REQUIRE_CITUS=1 without Citus.
 */
export function whyNoCitusInDocker(): string | null {
  const noEngine = whyNoDocker();
  if (noEngine !== null || process.env['PGAF_CITUS_IMAGE'] || hostCitus(MAJOR) !== null) return noEngine;
  const reason = `there is no Citus for Postgres ${MAJOR} on this host`;
  if (process.env['PGAF_REQUIRE_CITUS'] === '1') throw new Error(`PGAF_REQUIRE_CITUS=1, and ${reason}`);
  process.stderr.write(`no containers with Citus here: ${reason}\n`);
  return reason;
}

const build = () => buildImages({ say: (line) => console.log(line) });

/** The image of this checkout: `npm test` has built it before all tests and names it; without that it is built now. */
export async function imageOfCheckout(): Promise<string> {
  return process.env['PGAF_IMAGE'] ?? (await build()).pgaf;
}

/** The same with Citus, where {@link whyNoCitusInDocker} says nothing. */
export async function citusImageOfCheckout(): Promise<string> {
  const image = process.env['PGAF_CITUS_IMAGE'] ?? (await build()).citus;
  if (!image) throw new Error('the image with Citus was not built');
  return image;
}
