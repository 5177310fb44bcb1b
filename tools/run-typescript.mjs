import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './set-up.mjs';

/** CommonJS packages in an ES module bundle still ask for Node's own modules by require. */
const BANNER = `import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);`;

/**
 * Bundles a TypeScript file of the workspace with all that it imports into the packages' cache, where Node can
 * run it.
 * @param {string} entry relative to the workspace
 * @returns {Promise<string>} the bundle's path
 */
export async function bundle(entry) {
  const { build } = await import('esbuild');
  const outfile = join(root, 'node_modules', '.cache', 'pgaf', `${basename(entry, '.ts')}.mjs`);
  await build({
    entryPoints: [join(root, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@pgaf/source'],
    external: ['pg-native'],
    banner: { js: BANNER },
    sourcemap: 'inline',
    logLevel: 'error',
  });
  return outfile;
}

/**
 * Runs it in this process, as if Node had been started with it.
 * @param {string} entry relative to the workspace
 * @param {readonly string[]} args
 */
export async function runTypeScript(entry, args) {
  const file = await bundle(entry);
  process.argv = [process.execPath, file, ...args];
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(file).href);
}
