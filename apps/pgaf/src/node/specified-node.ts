import { badLine } from '@pgaf/config/ini-form';
import { nodeFileSettings, readNodeFile, type NodeFile } from '@pgaf/config/node-file';
import { nameOf, type Schema, type Setting } from '@pgaf/config/settings';
import { whyNoFormationName, whyNoPostgresName } from '@pgaf/core/names';
import type { FlagDefinition, Plugin } from '@pgaf/plugin-api';
import type { PluginHost } from '@pgaf/plugin-host/plugin-host';
import type { CommandContext } from '../command-spec.js';
import type { RoleToCreate } from '../create/node-plan.js';

/** A node as its file wants it: what `pgaf create` calls it, and the rest of the file. */
export interface SpecifiedNode {
  readonly file: NodeFile;
  /** Null for a monitor. */
  readonly what: RoleToCreate | null;
}

export const MONITOR = 'monitor';

/**
 * Reads a file and checks all that can be checked without looking further.
 * @throws UserError, exit 2, that names file, line and key.
 */
export async function readSpecifiedNode(
  path: string,
  { host, log }: Pick<CommandContext, 'host' | 'log'>,
): Promise<SpecifiedNode> {
  const file = await readNodeFile(path, kindSettings(host));
  const what = roleOf(file, host);
  refuseNoMonitor(file);
  requireOwnOptions(file, what);
  for (const { name, line, kind, dbname } of file.formations) {
    const why = whyNoFormationName(name);
    if (why !== null) throw badLine(path, line, `"${name}" ${why}`, 'Correct the name of the formation.');
    const whyNoDatabase = dbname === undefined ? null : whyNoPostgresName(dbname);
    if (whyNoDatabase !== null)
      throw badLine(path, line, `dbname of [formation ${name}]: "${dbname}" ${whyNoDatabase}`, 'Correct it.');
    if (kind !== undefined && !host.kinds().includes(kind))
      throw badLine(
        path,
        line,
        `[formation ${name}]: there is no kind of formation "${kind}"`,
        `Give one of: ${host.kinds().join(', ')}; other kinds are plugins.`,
      );
    if (what !== null) log.warn(`${path}:${line}: [formation ${name}] is for a monitor, and is passed over`);
  }
  return { file, what };
}

/** The settings that stand for the flags of the plugins' roles, each in the section of its plugin. */
function kindSettings(host: PluginHost): Schema {
  const rows = host.kinds().flatMap((kind) => {
    const plugin = host.plugin(kind);
    return plugin.roles.flatMap(({ flags }) => (flags ?? []).map((flag) => settingOf(plugin, flag)));
  });
  return [...new Map(rows.map((row) => [nameOf(row), row])).values()];
}

function settingOf({ kind, configuration }: Plugin, flag: FlagDefinition): Setting {
  const key = flag.setting ?? flag.name.replaceAll('-', '_');
  const option = configuration?.options.find((one) => one.key === key);
  const place = { section: option?.section ?? configuration?.name ?? kind, key, flag: flag.name };
  return flag.type === 'integer'
    ? { ...place, type: flag.type, min: 0, max: Number.MAX_SAFE_INTEGER }
    : { ...place, type: flag.type };
}

/** By the word after `pgaf create`. */
function roleOf({ path, text, config }: NodeFile, host: PluginHost): RoleToCreate | null {
  const { kind } = config.node;
  if (kind === MONITOR) return null;
  const roles = host
    .kinds()
    .flatMap((one) => host.plugin(one).roles.map((role) => ({ plugin: host.plugin(one), role })));
  const found = roles.find(({ role }) => role.command === kind);
  if (found) return found;
  const words = [MONITOR, ...roles.map(({ role }) => role.command)].join(', ');
  const line = text.entries.find(({ section, key }) => section === 'node' && key === 'kind')?.line ?? 1;
  throw badLine(
    path,
    line,
    `"${kind}" is not allowed for node.kind`,
    `Give one of: ${words}; others are plugins.`,
  );
}

function refuseNoMonitor({ path, text, config }: NodeFile): void {
  if (!config.monitor.noMonitor) return;
  const line = text.entries.find(({ key }) => key === 'no_monitor')?.line ?? 1;
  throw badLine(
    path,
    line,
    'monitor.no_monitor: a node without a monitor is not to be had',
    'Set monitor.pguri.',
  );
}

const OF_ALL: ReadonlySet<string> = new Set(
  nodeFileSettings.flatMap((row) => ('flag' in row ? [row.flag] : [])),
);

/** A setting that another role of the kind, or another kind, has. */
function requireOwnOptions({ path, options, config }: NodeFile, what: RoleToCreate | null): void {
  const own = new Set((what?.role.flags ?? []).map(({ name }) => name));
  for (const [flag, { name, line }] of options) {
    if (OF_ALL.has(flag) || own.has(flag)) continue;
    throw badLine(path, line, `${name} is not for the kind "${config.node.kind}"`, 'Remove the line.');
  }
}
