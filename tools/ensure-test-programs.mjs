import { packageManager, runAsRoot, silentElevation, succeeds } from './package-manager.mjs';

/** What some tests need beside PostgreSQL: how to see that it is there, and the package that brings it. */
const PROGRAMS = [
  { name: 'tmux', isThere: ['tmux', '-V'], packages: {} },
  // Hosts with a network of their own.
  { name: 'nftables', isThere: ['nft', '--version'], packages: {} },
  { name: 'iproute2', isThere: ['ip', '-V'], packages: { dnf: 'iproute', yum: 'iproute' } },
];

const COMMANDS = {
  'apt-get':
    'apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends',
  dnf: 'dnf install -y',
  yum: 'yum install -y',
  zypper: 'zypper --non-interactive install',
  apk: 'apk add',
  pacman: 'pacman -Sy --noconfirm',
};

/**
 * Installs the programs that tests need and that are missing, after saying so. Where that is not possible those
 * tests are skipped, as CONTRIBUTING.md lists them.
 */
export function ensureTestPrograms() {
  const missing = () => PROGRAMS.filter(({ isThere }) => !succeeds(...isThere));
  const wanted = missing();
  if (wanted.length === 0) return;
  const names = wanted.map(({ name }) => name).join(', ');
  const manager = packageManager();
  const elevation = silentElevation();
  if (manager === undefined || elevation === null) {
    process.stderr.write(
      `${names}: missing, and cannot be installed by this user; tests that need them are skipped.\n`,
    );
    return;
  }
  const packages = wanted.map(({ name, packages }) => packages[manager] ?? name).join(' ');
  process.stderr.write(`${names}: missing; installing the packages by ${manager}, for the tests.\n`);
  runAsRoot(elevation, `${COMMANDS[manager]} ${packages}`);
  for (const { name } of missing()) {
    process.stderr.write(`Installing ${name} failed: tests that need it are skipped.\n`);
  }
}
