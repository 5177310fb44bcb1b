import { isDeepStrictEqual } from 'node:util';
import { readConfigFile } from '@pgaf/config/file';
import { resolve } from '@pgaf/config/precedence';
import { describeNeedRestart, describeTaken, reload } from '@pgaf/config/reload';
import { keeperSettings, pluginSettings } from '@pgaf/config/settings';
import { PgafError } from '@pgaf/core/errors';
import type { Keeper } from '@pgaf/keeper/keeper';
import type { CommandContext } from '../command-spec.js';
import { nodeMonitorConnInfo } from '../monitor-conninfo.js';
import { keeperFileSchema, type KeeperNode } from '../node-files.js';
import { openMonitorLink } from './monitor-link.js';
import { nodeConfig } from './node-config.js';
import type { ReplaceableLink } from './replaceable-link.js';

/** A keeper that runs, with what it was made of. */
export interface RunningKeeper {
  readonly keeper: Keeper;
  readonly link: ReplaceableLink;
}

/**
 * Reads the configuration of a node again and has its keeper act on what may change while it runs. A file that is
 * wrong changes nothing.
 * @returns the node with what is in force from now on.
 */
export async function reloadKeeper(
  node: KeeperNode,
  { keeper, link }: RunningKeeper,
  context: CommandContext,
): Promise<KeeperNode> {
  const { host, log, env } = context;
  try {
    const file = await readConfigFile(node.paths.config, keeperFileSchema(context));
    const plugin = host.plugin(keeper.state.kind);
    const main = reload(keeperSettings, node.config, resolve(keeperSettings, { file }).config);
    const rows = pluginSettings(plugin.configuration ? [plugin.configuration] : []);
    const section = reload(rows, resolve(rows, { file: node.file }).config, resolve(rows, { file }).config);
    const next: KeeperNode = { ...node, file, config: main.config };
    const config = await nodeConfig(next.config, next.paths, plugin, file, env);
    const [before, conninfo] = [node, next].map(({ config: at, paths }) =>
      nodeMonitorConnInfo(at, `pg_autoctl.monitor in ${paths.config}`),
    );
    // Its password and its TLS are settings of their own.
    if (conninfo && !isDeepStrictEqual(before, conninfo)) {
      await link.replace(openMonitorLink(conninfo, log));
    }
    await keeper.reloaded(config);
    const taken = [describeTaken(main), describeTaken(section)].filter((text) => text !== null);
    log.info(taken.length > 0 ? `Reloaded: ${taken.join('; ')}` : 'Reloaded; no setting has changed');
    const waiting = describeNeedRestart(main);
    if (waiting !== null) log.warn(waiting);
    return next;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const hint = error instanceof PgafError && error.hint !== undefined ? { hint: error.hint } : {};
    log.error(`The configuration is not reloaded, and the one from before stays: ${reason}`, hint);
    return node;
  }
}
