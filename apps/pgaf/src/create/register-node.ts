import { readFile, rm, writeFile } from 'node:fs/promises';
import { readConfigFile, writeConfigFile, type ConfigFile } from '@pgaf/config/file';
import type { NodePaths } from '@pgaf/config/paths';
import type { KeeperConfig, Schema } from '@pgaf/config/settings';
import { join as joinFormation } from '@pgaf/keeper/join';
import type { CommandContext } from '../command-spec.js';
import { removeEmptyFolders } from '../empty-folders.js';
import { keeperFileSchema, type KeeperNode } from '../node-files.js';
import { openMonitorLink } from '../service/monitor-link.js';
import { nodeConfig } from '../service/node-config.js';
import type { AwaitedServer } from './await-server.js';
import type { NodePlan } from './node-plan.js';

/**
 * Writes the configuration and registers the node, once its monitor is up; the configuration is as it was when the
 * monitor refuses.
 */
export async function registerNode(
  plan: NodePlan,
  config: KeeperConfig,
  monitor: AwaitedServer,
  stopping: AbortSignal,
  context: CommandContext,
): Promise<KeeperNode> {
  const { plugin, role, paths, earlier } = plan;
  const schema = keeperFileSchema(context);
  const before = earlier === undefined ? null : await readFile(paths.config, 'utf8');
  const monitorBefore = settingOf(earlier, 'pg_autoctl', 'monitor');
  const hostBefore = settingOf(earlier, 'pg_autoctl', 'hostname');
  const file = await writeNodeFile(paths, schema, config, earlier);
  const link = openMonitorLink(plan.monitor, context.log);
  try {
    const request = {
      config: await nodeConfig(config, paths, plugin, file, context.env),
      monitor: link,
      formation: config.pgAutoctl.formation,
      kind: plugin.kind,
      role: role.name,
      name: config.pgAutoctl.name ?? '',
      group: config.pgAutoctl.group ?? null,
      ...plan.standing,
      monitorIs:
        monitorBefore === null || monitorBefore === config.pgAutoctl.monitor
          ? ('the same' as const)
          : ('another' as const),
      formerly:
        hostBefore === null
          ? null
          : { host: hostBefore, port: Number(settingOf(earlier, 'postgresql', 'port')) },
      log: context.log,
    };
    // Asked again, the monitor gives the same answer to a node that it has not heard of since.
    const { state } = await monitor.use(() => joinFormation(request), stopping);
    const known = { ...config, pgAutoctl: { ...config.pgAutoctl, group: state.group, name: state.name } };
    return { role: 'keeper', paths, config: known, file: await writeNodeFile(paths, schema, known, file) };
  } catch (error) {
    await takeBack(paths, before);
    throw error;
  } finally {
    await link.close();
  }
}

function settingOf(file: ConfigFile | undefined, section: string, key: string): string | null {
  return file?.entries.find((entry) => entry.section === section && entry.key === key)?.value ?? null;
}

async function writeNodeFile(
  paths: NodePaths,
  schema: Schema,
  config: object,
  earlier: ConfigFile | undefined,
): Promise<ConfigFile> {
  await writeConfigFile(paths.config, schema, config, earlier);
  return readConfigFile(paths.config, schema);
}

/** Puts the configuration back as it was. */
async function takeBack({ config }: NodePaths, text: string | null): Promise<void> {
  if (text === null) {
    await rm(config, { force: true });
    removeEmptyFolders(config);
  } else await writeFile(config, text, { mode: 0o600 });
}
