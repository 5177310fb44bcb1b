import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { whyNoEngine } from '../docker/engine.mjs';
import { ensureComposeV2 } from './compose-v2.mjs';
import { runAsRoot, succeeds } from './package-manager.mjs';
import { root } from './set-up.mjs';

const PACKAGES = 'docker.io docker-compose debootstrap iptables';
/** An engine that has not answered by then does not run here. */
const START_LIMIT = 60_000;

/**
 * Sees to an engine for the tests in containers: one that answers is used; otherwise root installs Debian's and starts
 * it. Where that is not possible those tests are skipped, as CONTRIBUTING.md lists them.
 * @returns {Promise<() => Promise<void>>} ends what was started here
 */
export async function ensureDocker() {
  const nothing = async () => undefined;
  const why = whyNoEngine();
  if (why === null) {
    process.stderr.write('Containers: the Docker engine that runs here.\n');
    await ensureComposeV2();
    return nothing;
  }
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) {
    process.stderr.write(
      `Containers: ${why}, and only root installs one, on Debian; tests that need it are skipped.\n`,
    );
    return nothing;
  }
  if (!succeeds('dockerd', '--version') || !succeeds('debootstrap', '--version')) {
    process.stderr.write(`Containers: ${why}; installing ${PACKAGES}, for the tests.\n`);
    runAsRoot(
      [],
      `apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends ${PACKAGES}`,
    );
  }
  if (!succeeds('dockerd', '--version')) {
    process.stderr.write(
      'Containers: installing the Docker engine failed; tests that need it are skipped.\n',
    );
    return nothing;
  }
  const engine = await startEngine();
  if (engine === null) return nothing;
  await ensureComposeV2();
  return engine;
}

async function startEngine() {
  const log = join(root, 'reports', 'dockerd.log');
  mkdirSync(join(root, 'reports'), { recursive: true });
  const output = openSync(log, 'w');
  const child = spawn('dockerd', [], { detached: true, stdio: ['ignore', output, output] });
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
  child.unref();
  const end = async () => {
    if (child.exitCode === null && child.kill('SIGTERM')) await Promise.race([ended, pause(60_000)]);
  };
  const deadline = performance.now() + START_LIMIT;
  while (performance.now() < deadline && child.exitCode === null) {
    if (whyNoEngine() === null) {
      process.stderr.write('Containers: the Docker engine was started, for the tests.\n');
      return end;
    }
    await pause(500);
  }
  await end();
  process.stderr.write(
    `Containers: the Docker engine does not start here (see ${log}); tests that need it are skipped.\n`,
  );
  return null;
}
