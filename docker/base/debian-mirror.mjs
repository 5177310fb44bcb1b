import { spawnSync } from 'node:child_process';
import { run } from '../../tools/progress.mjs';

const PUBLIC = 'http://deb.debian.org/debian';

/** The two public ones: what an image that goes to other machines says. */
export const PUBLIC_MIRRORS = { packages: PUBLIC, security: `${PUBLIC}-security` };

/** @throws {Error} for an address with a password in it: an image would keep it. */
export function requireNoPassword(mirror) {
  const { username, password, host } = new URL(mirror);
  if (username === '' && password === '') return;
  throw new Error(
    `The address of the Debian mirror at ${host} has a name or a password in it, which every image would keep.\nName one without in DEBIAN_MIRROR.`,
  );
}

/** Where packages come from: DEBIAN_MIRROR, else what this host's own apt uses for Debian, else the public one. */
export function debianMirror() {
  return process.env.DEBIAN_MIRROR || mirrorOfHost('Debian') || PUBLIC;
}

/** Its neighbour for security updates. */
export function securityMirror(mirror) {
  return process.env.DEBIAN_MIRROR
    ? `${mirror}-security`
    : mirrorOfHost('Debian-Security') || `${PUBLIC}-security`;
}

/** @param {string} label as Release files have it */
function mirrorOfHost(label) {
  const format = '$(LABEL) $(REPO_URI)';
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  const line = (stdout ?? '').split('\n').find((one) => one.startsWith(`${label} http`));
  return line?.slice(label.length + 1).replace(/\/$/, '');
}

/**
 * Whether a mirror has a suite such as `bookworm-security`: a testing suite may have none. Asked as debootstrap asks, by
 * wget, which goes by the proxy of the environment.
 * @returns {Promise<boolean>}
 * @throws {Error} when the mirror does not say: an image without security updates is not made for want of an answer.
 */
export async function hasSuite(mirror, suite) {
  const url = `${mirror}/dists/${suite}/InRelease`;
  try {
    await run(['wget', '--spider', '--server-response', '--tries=2', '--timeout=20', url], {
      env: { ...process.env, LC_ALL: 'C' },
    });
    return true;
  } catch (error) {
    if (/^\s*HTTP\/\S+ 404\b/m.test(error.message)) return false;
    throw new Error(
      `${url} could not be asked for; name another mirror in DEBIAN_MIRROR.\n${error.message}`,
      {
        cause: error,
      },
    );
  }
}
