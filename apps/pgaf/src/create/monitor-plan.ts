import type { ConfigFile } from '@pgaf/config/file';
import type { NodePaths } from '@pgaf/config/paths';
import { monitorSettings, type MonitorConfig } from '@pgaf/config/settings';
import { findBindir } from '@pgaf/postgres/binaries';
import type { CommandContext } from '../command-spec.js';
import { nodePaths, requireRole } from '../node-files.js';
import { checkListen } from './check-listen.js';
import { checkNames } from './check-names.js';
import { checkAuthentication, checkServerCertificate, requirePassword } from './check-security.js';
import { configOfFlags } from './config-of-flags.js';
import { withEarlierChoices } from './earlier-choices.js';
import { ownHostname } from './find-hostname.js';
import type { FlagValues } from './flag-values.js';
import { securityChoice, type SecurityChoice } from './security-choice.js';
import { withSecurity } from './security-settings.js';

/** What a monitor is to be, by its flags, the environment and an earlier file. */
export interface MonitorPlan {
  readonly paths: NodePaths;
  /** With the name by which others reach this host. */
  readonly config: MonitorConfig & { readonly pgAutoctl: { readonly hostname: string } };
  /** The file of an earlier call. */
  readonly earlier: ConfigFile | undefined;
  readonly security: SecurityChoice;
  readonly bindir: string;
}

/** Touches nothing. @throws UserError for options that are wrong, missing, or exclude each other. */
export async function planMonitor(flags: FlagValues, context: CommandContext): Promise<MonitorPlan> {
  const { env, log } = context;
  const paths = nodePaths(flags['pgdata'] as string | undefined, context);
  await requireRole(paths, 'monitor');
  const { config, earlier } = await configOfFlags(monitorSettings, monitorSettings, paths, flags, env);
  const security = securityChoice(withEarlierChoices(flags, env, earlier), env);
  const bindir = await findBindir({ pgCtl: config.postgresql.pgCtl, env });
  checkListen(config.postgresql.listenAddresses);
  checkAuthentication(security);
  requirePassword(security, config.pgAutoctl.autoctlNodePassword, 'autoctl-node-password-file');
  const hostname = config.pgAutoctl.hostname ?? (await ownHostname());
  await checkServerCertificate(security.ssl, hostname, log);
  await checkNames(config.pgAutoctl, log);
  const complete = withSecurity(
    {
      ...config,
      pgAutoctl: { ...config.pgAutoctl, role: 'monitor' as const, hostname },
      postgresql: { ...config.postgresql, pgCtl: `${bindir}/pg_ctl` },
    },
    security,
  );
  return { paths, config: complete as MonitorPlan['config'], earlier, security, bindir };
}
