import { join } from 'node:path';
import { build, untag, whyNoEngine } from '../docker/engine.mjs';
import { buildImages, DEFAULT_SUITE } from '../docker/images.mjs';
import { step } from './progress.mjs';
import { root } from './set-up.mjs';

/**
 * @typedef {object} TestImages
 * @property {Readonly<Record<string, string>>} variables that tell tests which images to use, and that they must
 * @property {boolean} areWell whether all that were wanted were built
 * @property {() => void} end takes the names of this run away
 */

/**
 * Builds the images of this checkout, under names of this run alone: another checkout that builds its own at the same
 * time changes nothing here. With an engine, tests that need an image fail where they have none, and are not skipped.
 * @param {string} [suite] of Debian, whose Postgres they bring
 * @returns {Promise<TestImages>}
 */
export async function ensureImages(suite = DEFAULT_SUITE) {
  if (whyNoEngine() !== null) return { variables: {}, areWell: true, end: () => undefined };
  const tag = `test-${process.pid}-${Date.now().toString(36)}`;
  const names = { PGAF_IMAGE: `pgaf:${tag}`, PGAF_CITUS_IMAGE: `pgaf-citus:${tag}` };
  const tools = { PGAF_TOOLS_IMAGE: `pgaf-tools:${tag}` };
  const end = () =>
    Object.values({ ...names, ...tools })
      .reverse()
      .forEach(untag);
  // Only root sees the processes of containers, so others skip hosts that are containers.
  const required = process.getuid?.() === 0 ? { PGAF_REQUIRE_CONTAINERS: '1' } : {};
  try {
    const { base, citus } = await buildImages({
      suite,
      tag,
      say: (line) => process.stderr.write(`${line}\n`),
    });
    const context = join(root, 'libs', 'testing', 'tools');
    const image = { tag: tools.PGAF_TOOLS_IMAGE, file: join(context, 'Dockerfile'), context };
    await step(`build ${image.tag}`, () => build({ ...image, args: { BASE_IMAGE: base } }));
    const { PGAF_CITUS_IMAGE, ...without } = names;
    const built = citus === null ? without : { ...without, PGAF_CITUS_IMAGE };
    return { variables: { ...built, ...tools, ...required }, areWell: true, end };
  } catch (error) {
    process.stderr.write(`The images were not built: ${error instanceof Error ? error.message : error}\n`);
    // Names that no image has: older ones must not pass for these.
    return { variables: { ...names, ...tools, ...required }, areWell: false, end };
  }
}
