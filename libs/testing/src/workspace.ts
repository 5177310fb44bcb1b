import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the checkout that this code runs in: the nearest one above that holds nx.json. */
export function workspaceRoot(from: string = dirname(fileURLToPath(import.meta.url))): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'nx.json'))) return folder;
    if (folder === dirname(folder)) throw new Error(`${from} is in no checkout of pgaf`);
  }
}

/** The built command line. */
export function pgafBin(): string {
  return join(workspaceRoot(), 'apps', 'pgaf', 'bin', 'run.js');
}
