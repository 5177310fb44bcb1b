import type { ConnInfo } from '@pgaf/conninfo/conninfo';
import type { KeeperConfig } from '@pgaf/config/settings';
import { EXIT, type ExitStatus } from '@pgaf/core/errors';
import { readStateFile } from '@pgaf/keeper/state-file';
import { findBindir } from '@pgaf/postgres/binaries';
import type { CommandContext } from '../command-spec.js';
import { clientCertificate } from '../service/node-config.js';
import { asService, runConfigured } from '../service/run-service.js';
import { shellWord } from '@pgaf/core/shell-word';
import { AwaitedServer } from './await-server.js';
import { typedFlags } from './config-of-flags.js';
import { bringUp } from './bring-up.js';
import { checkExtensions } from './check-extensions.js';
import { checkFormation, checkMonitor } from './check-monitor.js';
import { checkNames } from './check-names.js';
import { checkPlace } from './check-place.js';
import { checkClientCertificate, checkServerCertificate, warnOfUnverifiable } from './check-security.js';
import { checkWaldir } from './check-waldir.js';
import { hostnameTowards, ownHostname } from './find-hostname.js';
import type { FlagValues } from './flag-values.js';
import { planNode, type NodePlan, type RoleToCreate } from './node-plan.js';
import { requirementsOf, settingsOfKind } from '../service/role-requirements.js';
import { registerNode } from './register-node.js';
import { withSecurity } from './security-settings.js';
import { firstPostgres } from './take-over.js';

/** A plan that fits the host and the monitor. */
interface CheckedNode {
  readonly config: KeeperConfig;
  /** A Postgres that somebody else has started runs there already. */
  readonly runs: boolean;
}

/** As `create` is typed: see `createNode`. */
export function createTypedNode(
  what: RoleToCreate,
  typed: FlagValues,
  context: CommandContext,
): Promise<ExitStatus> {
  return createNode(what, typedFlags(typed, context.resolvePath), context);
}

/**
 * Creates a node of a formation: registers it, fills its data directory, brings it to its first goal; with
 * --run goes on as its service. Everything that can be wrong is looked for before anything is touched.
 */
export async function createNode(
  what: RoleToCreate,
  flags: FlagValues,
  context: CommandContext,
): Promise<ExitStatus> {
  const plan = await planNode(what, flags, context);
  const monitor = new AwaitedServer(plan.monitor, plan.monitorWait, context.log);
  const { config, runs } = await checkNode(plan, monitor, context);
  const { paths } = plan;
  return asService({ paths }, context, async (pidFile, signals) => {
    const node = await registerNode(plan, config, monitor, signals.stopping, context);
    const run = `${context.bin} run --pgdata ${shellWord(paths.pgdata)}`;
    try {
      if (plan.goesOn) return await runConfigured(node, context, pidFile, signals);
      // Whoever started it goes on with it.
      await bringUp(node, context, signals, runs ? 'handOff' : 'orderly');
    } catch (error) {
      const goOn = plan.goesOn ? `go on with: ${run}` : 'give the same command again';
      if (readStateFile(paths.state)?.current !== 'dropped')
        context.log.warn(`The node is registered. When the reason below is mended, ${goOn}`);
      throw error;
    }
    context.log.info(`Run it with: ${run}`);
    return EXIT.ok;
  });
}

/** Looks at this host and at the monitor, and touches nothing. */
async function checkNode(
  plan: NodePlan,
  monitor: AwaitedServer,
  context: CommandContext,
): Promise<CheckedNode> {
  const { paths, security } = plan;
  const { pgAutoctl, postgresql } = plan.config;
  const { log, env } = context;
  const bindir = await findBindir({ pgCtl: postgresql.pgCtl, env });
  const requirements = requirementsOf(plan);
  await checkExtensions(bindir, requirements?.extensions ?? []);
  await checkClientCertificate(security, clientCertificate(env), log);
  await checkPlace(paths);
  await checkWaldir(paths.pgdata, postgresql.waldir);
  await checkNames(pgAutoctl, log);
  // The address by which the monitor is reached is known once it is up.
  const hostname = pgAutoctl.hostname ?? (await hostnameFor(plan.monitor, monitor));
  await checkServerCertificate(security.ssl, hostname, log);
  await monitor.use(() => checkFormation(plan.monitor, pgAutoctl.formation, log));
  warnOfUnverifiable(security.ssl, plan.monitor.sslmode, log);
  const { wantedPort } = plan;
  const settings = settingsOfKind(requirements);
  const first = await firstPostgres({ paths, bindir, postgresql, wantedPort, hostname, settings });
  return {
    config: completeConfig(plan, { bindir, hostname, postgresql: first.postgresql }),
    runs: first.runs,
  };
}

/** How others reach this host, found on the way to the monitor. */
async function hostnameFor(conninfo: ConnInfo, monitor: AwaitedServer): Promise<string> {
  await monitor.use(() => checkMonitor(conninfo));
  const targets = conninfo.hosts.map(({ host, port }) => ({ host, port }));
  return (await hostnameTowards(targets)) ?? (await ownHostname());
}

interface Found {
  readonly bindir: string;
  readonly hostname: string;
  readonly postgresql: KeeperConfig['postgresql'];
}

/** What is written to the configuration file. */
export function completeConfig(plan: NodePlan, { bindir, hostname, postgresql }: Found): KeeperConfig {
  const { plugin, role, config } = plan;
  const complete = {
    ...config,
    ...plan.ownSection,
    pgAutoctl: {
      ...config.pgAutoctl,
      role: 'keeper' as const,
      hostname,
      kind: plugin.kind,
      nodekind: role.name,
    },
    postgresql: {
      ...postgresql,
      pgCtl: `${bindir}/pg_ctl`,
      dbname: config.postgresql.dbname ?? role.defaultDbname,
    },
  };
  return withSecurity(complete, plan.security) as KeeperConfig;
}
