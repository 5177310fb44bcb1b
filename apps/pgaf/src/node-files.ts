import { existsSync, statSync } from 'node:fs';
import { EXIT, UserError } from '@pgaf/core/errors';
import { readConfigFile, readRole, type ConfigFile } from '@pgaf/config/file';
import { requireConsistentTimings } from '@pgaf/config/monitor-timings';
import { pathsFor, type NodePaths } from '@pgaf/config/paths';
import { resolve } from '@pgaf/config/precedence';
import {
  keeperSettings,
  monitorSettings,
  pluginSettings,
  type KeeperConfig,
  type MonitorConfig,
  type Schema,
} from '@pgaf/config/settings';
import type { CommandContext } from './command-spec.js';

interface Files {
  readonly paths: NodePaths;
  readonly file: ConfigFile;
}

/** What is configured for a data directory. */
export type ConfiguredNode = Files &
  (
    | { readonly role: 'monitor'; readonly config: MonitorConfig }
    | { readonly role: 'keeper'; readonly config: KeeperConfig }
  );

export type MonitorNode = ConfiguredNode & { readonly role: 'monitor' };
export type KeeperNode = ConfiguredNode & { readonly role: 'keeper' };

/**
 * The files of the data directory of --pgdata or PGDATA. An empty --pgdata, such as a variable that is not set
 * leaves, names none: the working directory is never meant by it.
 * @throws UserError `no-pgdata`.
 */
export function nodePaths(pgdata: string | undefined, context: CommandContext): NodePaths {
  const given = pgdata ?? (context.env['PGDATA'] || undefined);
  if (given) return pathsFor(context.resolvePath(given), context.env);
  throw new UserError(given === '' ? '--pgdata is empty.' : 'No data directory is given.', {
    code: 'no-pgdata',
    exit: EXIT.badArguments,
    hint: 'Set --pgdata or PGDATA.',
  });
}

/** The rows of a keeper's file, those of all plugins included. */
export function keeperFileSchema({ host }: CommandContext): Schema {
  const sections = host.kinds().flatMap((kind) => host.plugin(kind).configuration ?? []);
  return [...keeperSettings, ...pluginSettings(sections)];
}

/** Reads no more of the configuration than that. @throws UserError when there is none. */
export async function roleOf(paths: NodePaths): Promise<ConfiguredNode['role']> {
  if (!existsSync(paths.config)) throw notOurs(paths);
  return readRole(paths.config);
}

/** @throws UserError when there is no configuration or it is wrong. */
export async function readNode(pgdata: string | undefined, context: CommandContext): Promise<ConfiguredNode> {
  const paths = nodePaths(pgdata, context);
  const flags = { pgdata: paths.pgdata };
  if ((await roleOf(paths)) === 'monitor') {
    const file = await readConfigFile(paths.config, monitorSettings);
    requireSamePgdata(file, paths, context);
    const { config } = resolve(monitorSettings, { flags, file });
    requireConsistentTimings(config.timeout, file);
    return { role: 'monitor', paths, file, config };
  }
  const file = await readConfigFile(paths.config, keeperFileSchema(context));
  requireSamePgdata(file, paths, context);
  return { role: 'keeper', paths, file, config: resolve(keeperSettings, { flags, file }).config };
}

/** A file that was copied or moved speaks of another node. @throws UserError `other-pgdata`. */
function requireSamePgdata(file: ConfigFile, paths: NodePaths, { env }: CommandContext): void {
  const entry = file.entries.find(({ section, key }) => section === 'postgresql' && key === 'pgdata');
  if (entry === undefined || pathsFor(entry.value, env).pgdata === paths.pgdata) return;
  throw new UserError(
    `${file.path}:${entry.line}: postgresql.pgdata is "${entry.value}", and the file is that of "${paths.pgdata}".`,
    {
      code: 'other-pgdata',
      exit: EXIT.badConfiguration,
      hint: 'Correct the line when the data directory was moved; a copied file is the file of another node.',
    },
  );
}

/** @throws UserError `other-role` when the data directory is configured for the other of the two. */
export async function requireRole(paths: NodePaths, wanted: ConfiguredNode['role']): Promise<void> {
  if (!existsSync(paths.config)) return;
  const role = await roleOf(paths);
  if (role === wanted) return;
  const nouns = { monitor: 'a monitor', keeper: 'a node of a formation' };
  throw new UserError(`"${paths.pgdata}" is ${nouns[role]} already, so it cannot become ${nouns[wanted]}.`, {
    code: 'other-role',
    exit: EXIT.badState,
    hint: 'Choose another --pgdata.',
  });
}

function notOurs(paths: NodePaths): UserError {
  const isDirectory = statSync(paths.pgdata, { throwIfNoEntry: false })?.isDirectory() ?? true;
  if (!isDirectory) {
    return new UserError(`"${paths.pgdata}" is not a directory.`, {
      code: 'no-configuration',
      exit: EXIT.badConfiguration,
      hint: 'Give the --pgdata of an existing node.',
    });
  }
  return new UserError(
    `"${paths.pgdata}" is not the data directory of a node: there is no ${paths.config}.`,
    {
      code: 'no-configuration',
      exit: EXIT.badConfiguration,
      hint: 'Give the --pgdata of an existing node, or create one there with `pgaf create`.',
    },
  );
}
