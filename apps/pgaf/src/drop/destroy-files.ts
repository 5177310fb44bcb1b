import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { NodePaths } from '@pgaf/config/paths';
import { removeDataDirectory } from '@pgaf/postgres/remove-data-directory';
import type { CommandContext } from '../command-spec.js';
import { removeEmptyFolders } from '../empty-folders.js';

/**
 * What `--destroy` removes: the data, and every file of ours. Nothing may run there any more. The configuration goes
 * last: with it a command that was cut off can be typed again.
 */
export async function destroyFiles(paths: NodePaths, { log }: Pick<CommandContext, 'log'>): Promise<void> {
  for (const kept of await removeDataDirectory(paths.pgdata)) {
    log.warn(`${kept} stays: it is a mount point, or holds files that are not of this node`);
  }
  for (const file of filesInFoldersOfOurs(paths)) {
    rmSync(dirname(file), { recursive: true, force: true });
    removeEmptyFolders(dirname(file));
  }
  log.info(`Data and configuration of "${paths.pgdata}" are removed`);
}

/**
 * What is left where a removal was cut off once the configuration had gone: folders without a file, which nobody knows
 * the node of any more.
 */
export function removeFoldersLeftEmpty(paths: NodePaths): void {
  for (const file of filesInFoldersOfOurs(paths)) removeEmptyFolders(file);
}

/** One of each folder that is this node's own. */
function filesInFoldersOfOurs({ pid, lease, state, config }: NodePaths): readonly string[] {
  return [pid, lease, state, config];
}
