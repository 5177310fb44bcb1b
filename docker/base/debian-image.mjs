import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasImage, labelOf, pull } from '../engine.mjs';
import { run, step } from '../../tools/progress.mjs';
import {
  PUBLIC_MIRRORS,
  debianMirror,
  hasSuite,
  requireNoPassword,
  securityMirror,
} from './debian-mirror.mjs';

/** On images that were made here, and not pulled. */
export const MADE_HERE = 'pgaf.made-here';

/**
 * Sees to it that the engine has Debian's public image of a suite, or one made here under the same name.
 * @param {string} suite such as `bookworm`
 * @returns {Promise<{ name: string, origin: string }>} its name, and where it comes from
 */
export async function ensureDebianImage(suite) {
  const name = `debian:${suite}-slim`;
  if (hasImage(name)) {
    const made = labelOf(name, MADE_HERE);
    // One that names the mirror it was made from keeps it in every image: it is made anew.
    if (!made.includes('://')) return { name, origin: made ? `was here, made ${made}` : 'was here' };
  }
  if (await step(`pull ${name}`, () => pull(name))) return { name, origin: 'pulled' };
  return { name, origin: `not to be pulled, so made ${await makeDebianImage(suite, name)}` };
}

/** As small as the public one: what is no use in a container is left out, or removed. */
const SLIM = ['usr/share/doc', 'usr/share/man', 'usr/share/info', 'usr/share/locale', 'usr/share/lintian'];
const EMPTIED = ['var/cache/apt/archives', 'var/lib/apt/lists', 'var/log', 'var/cache/debconf'];

async function makeDebianImage(suite, name) {
  requireDebootstrap(name);
  const mirrors = mirrorsToAsk();
  const suites = await suitesOf(suite, mirrors);
  const folder = mkdtempSync(join(tmpdir(), 'pgaf-debian-'));
  try {
    const options = ['--variant=minbase', '--force-check-gpg', ...forEncryption(mirrors)];
    const command = ['debootstrap', ...options, suite, folder, mirrors.packages, ...scriptFor(suite)];
    await step(`debootstrap ${suite} from ${mirrors.packages}`, () => run(command));
    // Where from stays on this host: the image may go to others.
    const day = new Date().toISOString().slice(0, 10);
    const origin = `by debootstrap on ${day}, with ${suites.map(({ name }) => name).join(', ')}`;
    const inside = (path) => join(folder, path);
    for (const path of [...SLIM, ...EMPTIED]) rmSync(inside(path), { recursive: true, force: true });
    await run([
      'mkdir',
      '-p',
      inside('var/cache/apt/archives/partial'),
      inside('var/lib/apt/lists/partial'),
      inside('var/log'),
    ]);
    writeFileSync(inside('etc/apt/sources.list'), sourcesOf(suites, mirrors));
    // docker/Dockerfile puts it in the place of the other one when it has installed what it needs.
    writeFileSync(inside('etc/apt/sources.list.public'), sourcesOf(suites, PUBLIC_MIRRORS));
    // Services are not started in an image, and packages may be unpacked without a sync each.
    writeFileSync(inside('usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
    writeFileSync(inside('etc/dpkg/dpkg.cfg.d/docker'), 'force-unsafe-io\n');
    for (const path of ['etc/hostname', 'etc/resolv.conf', 'etc/machine-id'])
      rmSync(inside(path), { force: true });
    await step(`import ${name}`, () => importFolder(folder, name, origin));
    return origin;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function requireDebootstrap(name) {
  const needs = `${name} cannot be pulled, and making it from Debian's mirror needs`;
  if (process.getuid?.() !== 0)
    throw new Error(`${needs} root: run this as root, or load the image yourself.`);
  if (spawnSync('debootstrap', ['--version'], { stdio: 'ignore' }).error) {
    throw new Error(`${needs} debootstrap: apt-get install debootstrap`);
  }
}

/** A debootstrap that is older than the suite makes it as it makes the one that is always the next. */
function scriptFor(suite) {
  const scripts = '/usr/share/debootstrap/scripts';
  return existsSync(join(scripts, suite)) ? [] : [join(scripts, 'sid')];
}

function mirrorsToAsk() {
  const packages = debianMirror();
  const mirrors = { packages, security: securityMirror(packages) };
  for (const mirror of Object.values(mirrors)) requireNoPassword(mirror);
  return mirrors;
}

/** A minimal Debian believes no certificate. */
function forEncryption(mirrors) {
  const isEncrypted = Object.values(mirrors).some((mirror) => mirror.startsWith('https:'));
  return isEncrypted ? ['--include=ca-certificates'] : [];
}

/** The suites that an image takes packages from, and which of the mirrors has each. */
async function suitesOf(suite, mirrors) {
  const more = [
    { name: `${suite}-updates`, at: 'packages' },
    { name: `${suite}-security`, at: 'security' },
  ];
  const suites = [{ name: suite, at: 'packages' }];
  for (const one of more) if (await hasSuite(mirrors[one.at], one.name)) suites.push(one);
  return suites;
}

function sourcesOf(suites, mirrors) {
  return suites.map(({ name, at }) => `deb ${mirrors[at]} ${name} main\n`).join('');
}

function importFolder(folder, name, origin) {
  const changes = ['CMD ["bash"]', `LABEL ${MADE_HERE}="${origin}"`].flatMap((line) => ['--change', line]);
  return new Promise((resolve, reject) => {
    const archive = spawn('tar', ['-C', folder, '--one-file-system', '-c', '.'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const importing = spawn('docker', ['import', ...changes, '-', name], {
      stdio: [archive.stdout, 'ignore', 'inherit'],
    });
    const failed = (program) => (code) => code !== 0 && reject(new Error(`${program} failed (${code})`));
    archive.once('close', failed('tar'));
    importing.once('error', reject);
    importing.once('close', (code) => (code === 0 ? resolve() : failed('docker import')(code)));
  });
}
