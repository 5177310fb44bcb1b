import { spawnSync } from 'node:child_process';

// The first one that is there wins.
const PROGRAMS = ['apt-get', 'dnf', 'yum', 'zypper', 'apk', 'pacman'];

export function succeeds(...command) {
  const [program, ...args] = command;
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/** The system's package manager by the name of its program, or undefined for none that is known. */
export function packageManager() {
  return PROGRAMS.find((program) => succeeds('sh', '-c', `command -v ${program}`));
}

/** How to become root here without a question: nothing to do, sudo, or null when there is no such way. */
export function silentElevation() {
  if (process.getuid?.() === 0) return [];
  return succeeds('sudo', '-n', 'true') ? ['sudo', '-n'] : null;
}

/** Runs a script as root; its output goes to stderr. @returns {number | null} its exit status */
export function runAsRoot(elevation, script) {
  const [program, ...args] = [...elevation, 'sh', '-c', script];
  return spawnSync(program, args, { stdio: ['inherit', 2, 2] }).status;
}
