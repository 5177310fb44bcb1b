import { spawnSync } from 'node:child_process';
import { run } from '../tools/progress.mjs';

/** Why there is no Docker engine to talk to, in one line; null when there is one. */
export function whyNoEngine() {
  const { error, status, stderr } = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], {
    encoding: 'utf8',
  });
  if (error) return 'there is no program `docker`';
  if (status === 0) return null;
  return stderr.trim().split('\n').at(-1) || 'the Docker engine does not answer';
}

export function requireEngine() {
  const why = whyNoEngine();
  if (why !== null) {
    throw new Error(
      `No Docker engine: ${why}.\nInstall and start one (on Debian: apt-get install docker.io), and let this user reach it.`,
    );
  }
}

/** @returns {boolean} whether the engine has an image of that name */
export function hasImage(name) {
  return spawnSync('docker', ['image', 'inspect', name], { stdio: 'ignore' }).status === 0;
}

/** @returns {string} the value of a label of an image that is there; empty for none */
export function labelOf(name, label) {
  const format = `{{index .Config.Labels "${label}"}}`;
  const { stdout } = spawnSync('docker', ['image', 'inspect', '--format', format, name], {
    encoding: 'utf8',
  });
  return stdout.trim();
}

/** @returns {Promise<boolean>} whether a registry had it */
export async function pull(name) {
  try {
    await run(['docker', 'pull', '--quiet', name], { timeout: 300_000 });
    return true;
  } catch {
    return false;
  }
}

/**
 * Builds an image with whichever builder this Docker has.
 * @param {{ tag: string, file: string, context: string, args?: Readonly<Record<string, string>>,
 *   labels?: Readonly<Record<string, string>> }} image
 */
export async function build({ tag, file, context, args = {}, labels = {} }) {
  const proxies = ['http_proxy', 'https_proxy', 'no_proxy'].filter((name) => process.env[name]);
  const given = [...Object.entries(args).map(([name, value]) => `${name}=${value}`), ...proxies];
  const options = given.flatMap((arg) => ['--build-arg', arg]);
  for (const [name, value] of Object.entries(labels)) options.push('--label', `${name}=${value}`);
  await run(['docker', 'build', '--tag', tag, '--file', file, ...options, context]);
}

/** Takes a name away from an image, which goes when it was the last one and no container is of it. */
export function untag(name) {
  spawnSync('docker', ['image', 'rm', '--no-prune', name], { stdio: 'ignore' });
}
