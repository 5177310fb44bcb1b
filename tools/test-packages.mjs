import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';
import { run, step } from './progress.mjs';
import { root } from './set-up.mjs';

/** What is published for other people's suites: of each of these packages, one of its exports. */
const PACKAGES = [
  {
    folder: 'libs/testing',
    exported: '.',
    description: 'PostgreSQL formations with failover in containers, for tests',
    readme: 'docs/formations-in-tests.md',
  },
  {
    folder: 'plugins/pgsql',
    exported: './testing',
    description: 'Plans formations of plain PostgreSQL for @pgaf/testing',
  },
  {
    folder: 'plugins/citus',
    exported: './testing',
    description: 'Plans Citus formations for @pgaf/testing',
  },
];

const readJson = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));

/**
 * Packs them as they are published.
 * @param {string} destination A folder that is there.
 * @returns {Promise<string[]>} the archives, in it
 */
export async function packTestPackages(destination) {
  // Declarations are the compiler's; what a package brings stands in one file.
  await step('declarations', () => run([join(root, 'node_modules/.bin/tsc'), '-b'], { cwd: root }));
  const folder = mkdtempSync(join(tmpdir(), 'pgaf-packages-'));
  try {
    for (const one of PACKAGES) {
      const made = join(folder, one.folder);
      mkdirSync(made, { recursive: true });
      await fill(made, one);
      await run(['npm', 'pack', '--silent', '--pack-destination', destination], { cwd: made });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return readdirSync(destination)
    .filter((name) => name.endsWith('.tgz'))
    .map((name) => join(destination, name));
}

async function fill(made, { folder, exported, description, readme }) {
  const own = readJson(join(folder, 'package.json'));
  const entry = own.exports[exported];
  const peers = own.peerDependencies ?? {};
  await build({
    entryPoints: [join(root, folder, entry['@pgaf/source'])],
    outfile: join(made, 'dist', 'index.js'),
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    conditions: ['@pgaf/source'],
    external: Object.keys(peers),
    logLevel: 'warning',
  });
  const types = copyTypes(join(root, folder, entry.types), join(made, 'dist', 'types'), Object.keys(peers));
  const manifest = {
    name: own.name,
    version: own.version,
    description,
    license: own.license,
    type: 'module',
    engines: readJson('package.json').engines,
    files: ['dist'],
    exports: { [exported]: { types: `./dist/types/${types}`, default: './dist/index.js' } },
    peerDependencies: peers,
  };
  writeFileSync(join(made, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  cpSync(join(root, 'LICENSE'), join(made, 'LICENSE'));
  if (readme) cpSync(join(root, readme), join(made, 'README.md'));
}

/**
 * Copies a declaration file and those of ours that it imports, with imports that hold there.
 * @returns {string} where the first one is, below the folder
 */
function copyTypes(file, to, peers, seen = new Set()) {
  const place = relative(root, file).replace('/dist/', '/');
  if (seen.has(place)) return place;
  seen.add(place);
  const text = readFileSync(file, 'utf8').replaceAll(/(from|import\()\s*'([^']+)'/g, (whole, word, name) => {
    const imported = ownTypes(name, file);
    if (imported === null) {
      if (!peers.includes(name)) throw new Error(`${relative(root, file)} imports ${name}, which nobody has`);
      return whole;
    }
    const there = relative(dirname(place), copyTypes(imported, to, peers, seen)).replace(/\.d\.ts$/, '.js');
    return `${word} '${there.startsWith('.') ? there : `./${there}`}'`;
  });
  mkdirSync(dirname(join(to, place)), { recursive: true });
  writeFileSync(join(to, place), text);
  return place;
}

/** The declaration file of ours that an import means; null for that of another one's package. */
function ownTypes(name, importer) {
  if (name.startsWith('.')) return join(dirname(importer), name.replace(/\.js$/, '.d.ts'));
  const [, own, inside = ''] = /^@pgaf\/([^/]+)(\/.+)?$/.exec(name) ?? [];
  if (own === undefined) return null;
  const folder = own.startsWith('plugin-') && own !== 'plugin-api' && own !== 'plugin-host';
  const at = folder ? `plugins/${own.slice('plugin-'.length)}` : `libs/${own}`;
  return join(root, at, readJson(join(at, 'package.json')).exports[`.${inside}`].types);
}
