import { rmdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** The folder in each of XDG's that is ours. */
const OWN = 'pg_autoctl';

/**
 * Removes the folder of a file that is gone, and those above it up to ours, as far as they are empty. One that is
 * missing already went when this was cut off before, so those above it are still to be removed.
 */
export function removeEmptyFolders(file: string): void {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return;
    }
    if (basename(folder) === OWN) return;
  }
}
