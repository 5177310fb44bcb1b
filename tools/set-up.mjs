import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findPgCtl } from './find-postgres.mjs';
import { installPostgres } from './install-postgres.mjs';
import { run, step } from './progress.mjs';

// This file and what it imports use nothing but Node: it runs before the npm packages are there.

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** For every program of ours: Nx without its daemon, its cloud and its questions. */
export const environment = { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false' };

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`Node ${process.versions.node} is too old: pgaf needs Node 20.19 or later.`);
  }
  if (process.platform !== 'linux') throw new Error('pgaf runs on Linux.');
}

function packagesOf(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}

/** What npm installed, compared with the lock file: packages for other platforms are not expected. */
function npmPackages() {
  const installedFile = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return 'missing';
  const installed = packagesOf(installedFile);
  const wanted = Object.entries(packagesOf(join(root, 'package-lock.json')));
  const stale = wanted.some(
    ([path, { version, optional, link }]) =>
      path.startsWith('node_modules/') && !optional && !link && installed[path]?.version !== version,
  );
  return stale ? 'stale' : 'complete';
}

async function ensureNpmPackages() {
  const state = npmPackages();
  if (state === 'complete') return;
  const command = state === 'missing' ? 'ci' : 'install';
  await step(`npm ${command}`, () =>
    run(['npm', command, '--no-audit', '--no-fund'], { cwd: root, env: environment }),
  );
}

/** @returns {string} the pg_ctl to use */
function ensurePostgres() {
  const found = findPgCtl();
  if (found) return found;
  installPostgres();
  const installed = findPgCtl();
  if (!installed)
    throw new Error('The packages are installed, but bring no PostgreSQL server that pgaf can use.');
  return installed;
}

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  const inside = readdirSync(path).filter((name) => name !== 'node_modules' && name !== 'dist');
  return Math.max(0, ...inside.map((name) => newest(join(path, name))));
}

/** Older than one of its sources, or not there. */
function isBundleStale() {
  const bundle = join(root, 'apps', 'pgaf', 'dist');
  if (!existsSync(bundle)) return true;
  const built = Math.max(0, ...readdirSync(bundle).map((name) => statSync(join(bundle, name)).mtimeMs));
  const sources = ['apps', 'libs', 'plugins', 'package-lock.json'].map((name) => join(root, name));
  return sources.some((path) => newest(path) > built);
}

export async function buildWhenStale() {
  if (!isBundleStale()) return;
  await step('build pgaf', () => run([process.execPath, 'build.mjs'], { cwd: join(root, 'apps', 'pgaf') }));
}

/**
 * Makes a fresh clone ready: npm packages, Postgres, the bundle. Does nothing, quickly, when all is there.
 * @returns {Promise<{ pgctl: string }>}
 */
export async function setUp() {
  // Root's own may keep everybody else out, also those whom tests and services become.
  process.umask(0o022);
  checkNode();
  // First what may need a person: the rest takes a while.
  const pgctl = ensurePostgres();
  await ensureNpmPackages();
  await buildWhenStale();
  return { pgctl };
}

/** Runs a script's main function; an error that it throws is told in its own words, without a stack. */
export async function main(work) {
  try {
    const status = await work();
    if (status !== undefined) process.exitCode = status;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(async () => void (await setUp()));
}
