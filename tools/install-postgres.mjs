import { packageManager, runAsRoot, silentElevation, succeeds } from './package-manager.mjs';

/** Debian's packages make and start a cluster of their own unless this line stands there before they come. */
const NO_CLUSTER =
  "{ grep -qs '^ *create_main_cluster' /etc/postgresql-common/createcluster.conf || " +
  "echo 'create_main_cluster = false' >> /etc/postgresql-common/createcluster.conf; }";

/** Only Debian's packages start servers without being asked. */
const COMMANDS = {
  'apt-get': [
    'apt-get update -q',
    'DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends postgresql-common',
    NO_CLUSTER,
    'DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends postgresql postgresql-contrib',
  ],
  dnf: ['dnf install -y postgresql-server postgresql-contrib postgresql'],
  yum: ['yum install -y postgresql-server postgresql-contrib postgresql'],
  zypper: ['zypper --non-interactive install postgresql-server postgresql-contrib postgresql'],
  apk: ['apk add postgresql postgresql-contrib postgresql-client'],
  pacman: ['pacman -Sy --noconfirm postgresql'],
};

/** How to become root here: nothing to do, sudo, or null when there is no way. */
function elevation() {
  const silent = silentElevation();
  if (silent !== null) return silent;
  if (process.stdin.isTTY && succeeds('sudo', '-V')) return ['sudo'];
  return null;
}

/**
 * Installs the server's packages through the system's package manager, after saying so.
 * @throws {Error} with the one command to run when this user may not, or when it fails
 */
export function installPostgres() {
  const manager = packageManager();
  if (manager === undefined) {
    throw new Error(
      'No PostgreSQL server was found, and no package manager that is known. Install one, 13 or later.',
    );
  }
  const script = COMMANDS[manager].join(' && ');
  const prefix = elevation();
  if (prefix === null) {
    const quoted = `sudo sh -c '${script.replaceAll("'", `'\\''`)}'`;
    throw new Error(
      `No PostgreSQL server was found, and installing one needs root. Run this, then try again:\n\n${quoted}\n`,
    );
  }
  process.stderr.write(
    `No PostgreSQL server was found: installing its packages by ${manager}${prefix.length ? ' as root' : ''}. No server is started.\n`,
  );
  const status = runAsRoot(prefix, script);
  if (status !== 0) throw new Error(`Installing PostgreSQL failed (${status}): ${script}`);
}
