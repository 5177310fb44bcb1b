import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../tools/set-up.mjs';

/** On our images: the hash of what they were built from. */
export const SOURCE_LABEL = 'org.pgaf.source';

/** What the images take from a checkout: the bundle as it is published, and what stands beside it. */
const PARTS = [
  'apps/pgaf/package.json',
  'apps/pgaf/bin',
  'apps/pgaf/dist',
  'docker/Dockerfile',
  'docker/Dockerfile.citus',
  'docker/files',
];

function filesOf(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesOf(join(path, name)));
}

/**
 * Tells the images of this checkout from those of another one: the same for the same files, wherever they are, whatever
 * their times and modes.
 * @param {string} [checkout]
 * @returns {string} hexadecimal
 */
export function sourceHash(checkout = root) {
  const hash = createHash('sha256');
  for (const file of PARTS.flatMap((part) => filesOf(join(checkout, part)))) {
    const content = readFileSync(file);
    hash.update(`${file.slice(checkout.length)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}
