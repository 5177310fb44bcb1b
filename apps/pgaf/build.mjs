// Bundles pgaf and everything it uses into dist/, so that it also runs where only the bundle can be read.
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * oclif imports a package lazily to tell WSL from Linux. pgaf does not ask, and after root's rights are
 * dropped there may be nothing to import from.
 */
const withoutWsl = {
  name: 'without-wsl',
  setup(bundler) {
    bundler.onLoad({ filter: /@oclif\/core\/lib\/util\/os\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!text.includes("import('wsl-utils')")) throw new Error(`${path} has changed`);
      return { contents: text.replaceAll("import('wsl-utils')", '{ isWsl: false }'), loader: 'js' };
    });
  },
};

const { metafile } = await build({
  entryPoints: { main: here('src/main.ts') },
  outdir: here('dist'),
  absWorkingDir: process.cwd(),
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  conditions: ['@pgaf/source'],
  chunkNames: 'chunks/[name]-[hash]',
  legalComments: 'none',
  minifyWhitespace: true,
  minifySyntax: true,
  keepNames: true,
  plugins: [withoutWsl],
  // pg looks at it to find out that it is not at Cloudflare, and Node loads its whole HTTP client for that.
  define: { Response: 'undefined' },
  // oclif asks for it when it runs from TypeScript sources, pg for its native twin: neither happens here.
  external: ['typescript', 'pg-native'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
});

// What earlier builds left goes last: a process that starts now finds one whole build or the other.
const fresh = new Set(Object.keys(metafile.outputs).map((path) => join(process.cwd(), path)));
for (const entry of await readdir(here('dist'), { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (entry.isFile() && !fresh.has(path)) await rm(path);
}
