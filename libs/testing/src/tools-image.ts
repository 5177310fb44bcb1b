import { fileURLToPath } from 'node:url';
import { GenericContainer } from 'testcontainers';
import { containerEngine } from './container-engine.js';

const NAME = 'pgaf-tools:bookworm';

let made: Promise<string> | undefined;

async function make(): Promise<string> {
  const given = process.env['PGAF_TOOLS_IMAGE'];
  if (given) return given;
  const { container } = await containerEngine();
  const there = await container.dockerode.listImages({ filters: { reference: [NAME] } });
  if (there.length === 0) {
    const folder = fileURLToPath(new URL('../tools', import.meta.url));
    await GenericContainer.fromDockerfile(folder).build(NAME, { deleteOnExit: false });
  }
  return NAME;
}

/**
 * The image with nft(8): the one that the variable `PGAF_TOOLS_IMAGE` names, else one made from `tools/Dockerfile` where
 * the engine has none yet; it stays.
 */
export function toolsImage(): Promise<string> {
  made ??= make();
  return made;
}
