import type { ConnInfo } from '@pgaf/conninfo/conninfo';
import type { ConfigFile } from '@pgaf/config/file';
import type { NodePaths } from '@pgaf/config/paths';
import { camel, keeperSettings, MONITOR_DISABLED, type KeeperConfig } from '@pgaf/config/settings';
import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT, UserError } from '@pgaf/core/errors';
import type { Creation, CreationRequest, Plugin, RoleDefinition } from '@pgaf/plugin-api';
import type { CommandContext } from '../command-spec.js';
import { LONGEST_WAIT } from '../flag-definitions.js';
import { nodeMonitorConnInfo, splitPassword } from '../monitor-conninfo.js';
import { keeperFileSchema, nodePaths, requireRole } from '../node-files.js';
import { MONITOR_WAIT } from './await-server.js';
import { checkBackupRate } from './check-backup-rate.js';
import { checkListen } from './check-listen.js';
import { requirePostgresName, requireRegion } from './check-names.js';
import { checkAuthentication, requirePassword } from './check-security.js';
import { configOfFlags } from './config-of-flags.js';
import { withEarlierChoices } from './earlier-choices.js';
import { booleanOf, given, integerOf, pluginFlagValues, type FlagValues } from './flag-values.js';
import { requireSameNode } from './same-node.js';
import { securityChoice, type SecurityChoice } from './security-choice.js';
import { sslSection } from './security-settings.js';

export interface RoleToCreate {
  readonly plugin: Plugin;
  readonly role: RoleDefinition;
}

/** What the node is to be to the others of its group. */
export interface Standing {
  readonly candidatePriority: number;
  readonly quorum: boolean;
  readonly region: string;
  readonly cluster: string;
}

/** What a command line asks for, with the environment and an earlier file; the host has yet to be looked at. */
export interface NodePlan extends RoleToCreate {
  readonly paths: NodePaths;
  /** The monitor's string without its password, which stands beside it. */
  readonly config: KeeperConfig;
  /** The file of an earlier call. */
  readonly earlier: ConfigFile | undefined;
  readonly security: SecurityChoice;
  readonly standing: Standing;
  /** The section of the plugin. */
  readonly ownSection: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly monitor: ConnInfo;
  readonly monitorWait: Milliseconds;
  /** The port that is asked for; undefined for none. */
  readonly wantedPort: string | undefined;
  readonly goesOn: boolean;
}

const ordinary: Creation = { tag: 'node', cluster: 'default' };

/** @throws UserError for options that are wrong, missing, or exclude each other, and for an earlier file that is wrong. */
export async function planNode(
  { plugin, role }: RoleToCreate,
  flags: FlagValues,
  context: CommandContext,
): Promise<NodePlan> {
  const { env } = context;
  const paths = nodePaths(flags['pgdata'] as string | undefined, context);
  await requireRole(paths, 'keeper');
  const { config, earlier } = await configOfFlags(
    keeperSettings,
    keeperFileSchema(context),
    paths,
    flags,
    env,
  );
  const security = securityChoice(withEarlierChoices(flags, env, earlier), env);
  const own = pluginFlagValues(role.flags ?? [], flags, env);
  const standing = standingOf({ role, own, group: config.pgAutoctl.group ?? null }, flags, env);
  requireSameNode(paths, role, config);
  const pgAutoctl = monitorLogin(config, flags);
  const monitor = nodeMonitorConnInfo({ pgAutoctl, ssl: sslSection(security.ssl) }, 'The monitor');
  const monitorWait = waitOf(flags);
  const { dbname, username } = config.postgresql;
  if (dbname !== undefined) requirePostgresName('--dbname', dbname);
  if (username !== undefined) requirePostgresName('--username', username);
  checkBackupRate(config.replication.maximumBackupRate);
  requirePassword(security, config.replication.password, 'replication-password-file');
  checkListen(config.postgresql.listenAddresses);
  checkAuthentication(security);
  return {
    plugin,
    role,
    paths,
    config: { ...config, pgAutoctl },
    earlier,
    security,
    standing,
    ownSection: pluginSection(plugin, role, own),
    monitor,
    monitorWait,
    wantedPort: given(flags, 'pgport', env, 'PGPORT')?.text,
    goesOn: flags['run'] === true,
  };
}

/** The monitor's string and its password, which is kept apart: what is printed of a string has none. */
function monitorLogin(config: KeeperConfig, flags: FlagValues): KeeperConfig['pgAutoctl'] {
  const { monitor, autoctlNodePassword } = config.pgAutoctl;
  if (monitor === undefined || monitor === '' || monitor === MONITOR_DISABLED) {
    throw new UserError('It is not said which monitor the node belongs to.', {
      code: 'no-monitor',
      exit: EXIT.badArguments,
      hint: 'Set --monitor or PG_AUTOCTL_MONITOR to what `pgaf show uri --formation monitor` prints on the monitor.',
    });
  }
  const where = flags['monitor'] ? '--monitor' : 'The monitor';
  const { uri, password } = splitPassword(monitor, where);
  if (password !== null && flags['autoctl-node-password-file'] !== undefined) {
    throw new UserError(`${where} has a password, and --autoctl-node-password-file is given.`, {
      code: 'flags-conflict',
      exit: EXIT.badArguments,
      hint: 'Take the password out of the connection string.',
    });
  }
  return { ...config.pgAutoctl, monitor: uri, autoctlNodePassword: password ?? autoctlNodePassword };
}

function regionOf(flags: FlagValues): string {
  const region = flags['region'] ?? 'default';
  requireRegion('--region', String(region));
  return String(region);
}

function waitOf(flags: FlagValues): Milliseconds {
  const wait = given(flags, 'wait', {});
  return wait === null ? MONITOR_WAIT : integerOf(wait, 0, LONGEST_WAIT) * 1000;
}

function standingOf(
  { role, own, group }: { role: RoleDefinition; own: CreationRequest['flags']; group: number | null },
  flags: FlagValues,
  env: CommandContext['env'],
): Standing {
  const wanted = given(flags, 'candidate-priority', env, 'PG_AUTOCTL_CANDIDATE_PRIORITY');
  const candidatePriority = wanted === null ? null : integerOf(wanted, 0, 100);
  const creation = role.choose?.({ flags: own, group, candidatePriority }) ?? ordinary;
  if (creation.tag === 'refused') {
    throw new UserError(`${creation.reason}.`, {
      code: 'flags-conflict',
      exit: EXIT.badArguments,
      hint: creation.hint,
    });
  }
  const quorum = given(flags, 'replication-quorum', env, 'PG_AUTOCTL_REPLICATION_QUORUM');
  return {
    candidatePriority: candidatePriority ?? creation.candidatePriority ?? role.defaultCandidatePriority ?? 50,
    cluster: creation.cluster,
    quorum: quorum === null ? true : booleanOf(quorum),
    region: regionOf(flags),
  };
}

/** The section of the plugin, with what its flags of this role say, by the names that a configuration has for them. */
export function pluginSection(
  plugin: Plugin,
  role: RoleDefinition,
  values: Readonly<Record<string, string | number | boolean | undefined>>,
): Record<string, Record<string, string>> {
  const section = plugin.configuration;
  if (section === undefined) return {};
  const own = section.options.filter((option) => option.section === undefined);
  const settings = Object.fromEntries(own.map((option) => [option.key, option.default]));
  for (const { name, setting } of role.flags ?? []) {
    const value = values[name];
    if (setting !== undefined && setting in settings && value !== undefined)
      settings[setting] = String(value);
  }
  const named = Object.entries(settings).map(([key, value]) => [camel(key), value] as const);
  return { [camel(section.name)]: Object.fromEntries(named) };
}
