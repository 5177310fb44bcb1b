import { chmodSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Everything in a folder, and the folder itself, gets the modes that files of a package have: all read, the owner
 * alone writes. What is copied into an image must not depend on the umask of who cloned.
 * @param {string} folder
 * @param {readonly string[]} [programs] Names of files that everybody may run.
 */
export function setPlainModes(folder, programs = []) {
  chmodSync(folder, 0o755);
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stat = lstatSync(path);
    if (stat.isDirectory()) setPlainModes(path, programs);
    else if (stat.isFile()) chmodSync(path, programs.includes(name) ? 0o755 : 0o644);
  }
}
