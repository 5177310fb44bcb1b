import { warnOfOpenFile } from '@pgaf/config/file';
import { readStateFile } from '@pgaf/keeper/state-file';
import type { CommandContext } from '../command-spec.js';
import { readNode } from '../node-files.js';
import { readPidFile } from '../pid-file.js';
import { nodeConfig } from './node-config.js';
import { sendSignal } from './send-signal.js';

export interface ReloadFlags {
  readonly pgdata?: string | undefined;
}

/**
 * Sends SIGHUP when the configuration can be read: what is wrong in it is told here, where it was edited. A service
 * that does not run reads everything when it starts, so that is no error.
 * @throws UserError, exit 2, when the configuration is wrong.
 */
export async function reloadService(flags: ReloadFlags, context: CommandContext): Promise<void> {
  const node = await readNode(flags.pgdata, context);
  const state = node.role === 'keeper' ? readStateFile(node.paths.state) : null;
  if (node.role === 'keeper' && state) {
    const plugin = context.host.plugin(state.kind);
    await nodeConfig(node.config, node.paths, plugin, node.file, context.env);
  }
  const isOpen = await warnOfOpenFile(node.paths.config);
  if (isOpen !== null) context.log.warn(isOpen);
  const running = readPidFile(node.paths.pid);
  if (running?.alive) {
    sendSignal(running.service.pid, 'SIGHUP');
    return;
  }
  context.log.info(
    `${context.bin} is not running on "${node.paths.pgdata}": it reads its configuration when it starts`,
  );
}
