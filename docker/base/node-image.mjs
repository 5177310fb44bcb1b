import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, hasImage, labelOf, pull } from '../engine.mjs';
import { step } from '../../tools/progress.mjs';
import { MADE_HERE } from './debian-image.mjs';

/** Of Node's builds for everybody: nothing but the C and C++ libraries that each Debian brings. */
const EVERYWHERE = /^(linux-vdso|ld-linux|lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s)\.so)/;

/**
 * Sees to it that the engine has Node's public image, or one under the same name with this host's Node in it.
 * @param {string} name such as `node:20-bookworm-slim`
 * @param {string} base the image it would stand on
 * @returns {Promise<{ name: string, origin: string }>}
 */
export async function ensureNodeImage(name, base) {
  if (hasImage(name)) {
    const made = labelOf(name, MADE_HERE);
    return { name, origin: made ? `was here, made ${made}` : 'was here' };
  }
  if (await step(`pull ${name}`, () => pull(name))) return { name, origin: 'pulled' };
  requirePortableNode(name);
  const origin = `from this host's Node ${process.versions.node}`;
  const context = mkdtempSync(join(tmpdir(), 'pgaf-node-'));
  try {
    copyFileSync(process.execPath, join(context, 'node'));
    chmodSync(join(context, 'node'), 0o755);
    writeFileSync(
      join(context, 'Dockerfile'),
      `FROM ${base}\nLABEL ${MADE_HERE}="${origin}"\nCOPY node /usr/local/bin/node\n`,
    );
    const file = join(context, 'Dockerfile');
    await step(`make ${name} ${origin}`, () => build({ tag: name, file, context }));
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
  return { name, origin: `not to be pulled, so made ${origin}` };
}

function requirePortableNode(name) {
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0]?.replace(/^.*\//, ''))
    .filter(Boolean);
  const foreign = libraries.filter((library) => !EVERYWHERE.test(library));
  if (foreign.length === 0) return;
  throw new Error(
    `${name} cannot be pulled, and this host's Node needs libraries of its own (${foreign.join(', ')}).\nRun this with a Node from nodejs.org, or name an image with --node-image.`,
  );
}
