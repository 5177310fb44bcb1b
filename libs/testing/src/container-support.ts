import { containerEngine } from './container-engine.js';

/** The image that hosts are made of: of the checkout under test where `npm test` runs, which names it. */
export function pgafImage(env: NodeJS.ProcessEnv = process.env): string {
  return env['PGAF_IMAGE'] ?? 'pgaf:15';
}

/**
 * A reason why tests in containers cannot run here, as it is for tests to skip by.
 * @throws Error with it where PGAF_REQUIRE_CONTAINERS=1 says that they must run.
 */
export function unlessRequired(reason: string | null, env: NodeJS.ProcessEnv = process.env): string | null {
  if (reason !== null && env['PGAF_REQUIRE_CONTAINERS'] === '1')
    throw new Error(`PGAF_REQUIRE_CONTAINERS=1, and ${reason}`);
  if (reason !== null) process.stderr.write(`no containers here: ${reason}\n`);
  return reason;
}

/**
 * Why no hosts of this image can be made here: no engine, no image, or who is not root; null where they can.
 * @throws Error where PGAF_REQUIRE_CONTAINERS=1 and they cannot.
 */
export async function whyNoContainers(image = pgafImage()): Promise<string | null> {
  return unlessRequired(await reasonAgainst(image));
}

async function reasonAgainst(image: string): Promise<string | null> {
  try {
    const { container } = await containerEngine();
    const images = await container.dockerode.listImages({ filters: { reference: [image] } });
    if (process.getuid?.() !== 0) return 'only root sees the processes of containers';
    return images.length > 0 ? null : `the engine has no image ${image}: npm run images makes it`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
