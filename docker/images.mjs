import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, step } from '../tools/progress.mjs';
import { buildWhenStale, root } from '../tools/set-up.mjs';
import { ensureDebianImage } from './base/debian-image.mjs';
import { ensureNodeImage } from './base/node-image.mjs';
import { build, requireEngine } from './engine.mjs';
import { hostCitus, hostCitusImage } from './host-citus.mjs';
import { setPlainModes } from './plain-modes.mjs';
import { SOURCE_LABEL, sourceHash } from './source-hash.mjs';

/** Debian's releases, and the Postgres that each brings. */
export const SUITES = { bullseye: 13, bookworm: 15, trixie: 17, forky: 18 };
export const DEFAULT_SUITE = 'bookworm';

/**
 * Builds the image of one Debian suite, and the one with Citus where there is Citus for its Postgres.
 * @param {{ suite?: string, tag?: string, nodeImage?: string, citusImage?: string, say?: (line: string) => void }} [wanted]
 *   `tag`: of the images; the major version of their Postgres unless told. `citusImage`: a public one; without it, what
 *   is installed on this host.
 * @returns {Promise<{ base: string, pgaf: string, citus: string | null }>} their names; null where there is no Citus
 */
export async function buildImages({ suite = DEFAULT_SUITE, tag, nodeImage, citusImage, say = print } = {}) {
  const major = SUITES[suite];
  if (major === undefined) {
    throw new Error(`There is no Debian "${suite}" here: give one of ${Object.keys(SUITES).join(', ')}.`);
  }
  requireEngine();
  const base = await ensureDebianImage(suite);
  say(`${base.name}: ${base.origin}`);
  const node = await ensureNodeImage(nodeImage ?? 'node:20-bookworm-slim', base.name);
  say(`${node.name}: ${node.origin}`);
  const context = mkdtempSync(join(tmpdir(), 'pgaf-image-'));
  try {
    await packInto(context);
    const made = { major, context, say, tag: tag ?? String(major), labels: { [SOURCE_LABEL]: sourceHash() } };
    const pgaf = `pgaf:${made.tag}`;
    const args = { BASE_IMAGE: base.name, NODE_IMAGE: node.name, POSTGRES_VERSION: String(major) };
    const file = join(root, 'docker', 'Dockerfile');
    await step(`build ${pgaf}`, () => build({ tag: pgaf, file, context, args, labels: made.labels }));
    say(`${pgaf}: Postgres ${major} of Debian ${suite}`);
    return { base: base.name, pgaf, citus: await buildCitus(pgaf, citusImage, made) };
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

async function buildCitus(pgaf, citusImage, { major, tag, context, labels, say }) {
  const version = hostCitus(major);
  if (citusImage === undefined && version === null) {
    say(
      `pgaf-citus:${tag}: not built; there is no Citus for Postgres ${major} on this host, and no --citus-image`,
    );
    return null;
  }
  const citus = `pgaf-citus:${tag}`;
  const source = citusImage ?? (await hostCitusImage(major, version));
  const args = { PGAF_IMAGE: pgaf, CITUS_IMAGE: source, POSTGRES_VERSION: String(major) };
  const file = join(root, 'docker', 'Dockerfile.citus');
  await step(`build ${citus}`, () => build({ tag: citus, file, context, args, labels }));
  say(`${citus}: Citus ${citusImage ? `of ${citusImage}` : `${version} of this host`}`);
  return citus;
}

/** What is published of pgaf, unpacked, and the files of nodes that the images bring. */
async function packInto(context) {
  await buildWhenStale();
  await step('pack pgaf', async () => {
    const packed = join(context, 'packed');
    mkdirSync(packed);
    await run(['npm', 'pack', '--silent', '--pack-destination', packed], { cwd: join(root, 'apps', 'pgaf') });
    const [archive] = readdirSync(packed);
    await run(['tar', '-xzf', join(packed, archive), '-C', packed]);
    cpSync(join(packed, 'package'), join(context, 'pgaf'), { recursive: true });
    rmSync(packed, { recursive: true });
  });
  cpSync(join(root, 'docker', 'files'), context, { recursive: true });
  setPlainModes(context, ['run.js']);
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
