import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { writeConfigFile } from '@pgaf/config/file';
import type { NodePaths } from '@pgaf/config/paths';
import { monitorSettings } from '@pgaf/config/settings';
import { EXIT, PgafError, UserError, type ExitStatus } from '@pgaf/core/errors';
import { createMonitor as createMonitorPostgres } from '@pgaf/monitor/create';
import { findExistingPostgres } from '@pgaf/postgres/existing-postgres';
import { requireFreePort } from '@pgaf/postgres/free-port';
import { initdb } from '@pgaf/postgres/initdb';
import { readPostmasterPid } from '@pgaf/postgres/postmaster-pid';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import { isOfMonitor, requireUsableDataDirectory } from '@pgaf/postgres/take-over';
import type { CommandContext } from '../command-spec.js';
import { clientTls, monitorUri } from '../reach-monitor.js';
import { monitorPostgres } from '../service/monitor-postgres.js';
import { asService, runConfigured } from '../service/run-service.js';
import { checkPlace } from './check-place.js';
import { typedFlags } from './config-of-flags.js';
import type { FlagValues } from './flag-values.js';
import { requireFormationName } from './check-names.js';
import { planMonitor } from './monitor-plan.js';
import { shellWord } from '@pgaf/core/shell-word';

type TypedFlags = Omit<FlagValues, 'formation'> & {
  readonly formation?: readonly string[] | undefined;
};

/** As `create monitor` is typed: see `createMonitor`. */
export function createTypedMonitor(
  { formation: formations = [], ...typed }: TypedFlags,
  context: CommandContext,
): Promise<ExitStatus> {
  formations.forEach(requireFormationName);
  return createMonitor(typedFlags(typed, context.resolvePath), formations, context);
}

/** Creates a monitor: its Postgres, database and schema; with --run goes on as its service. */
export async function createMonitor(
  flags: FlagValues,
  formations: readonly string[],
  context: CommandContext,
): Promise<ExitStatus> {
  const { paths, config, earlier, security, bindir } = await planMonitor(flags, context);
  await checkPlace(paths);
  await checkMonitorPostgres(paths, bindir, config.postgresql.port);
  const node = {
    role: 'monitor' as const,
    paths,
    config,
    file: { path: paths.config, entries: [], foreign: [] },
  };
  return asService(node, context, async (pidFile, signals) => {
    const superuser = userInfo().username;
    const make = async (): Promise<void> => {
      await writeConfigFile(paths.config, monitorSettings, config, earlier);
      if (security.ssl.tag === 'self-signed') {
        // The certificate is made in the data directory, which must be there for that.
        context.log.info('Making the data directory and its certificate');
        await initdb({
          bindir,
          pgdata: paths.pgdata,
          superuser,
          checksums: 'on',
          localAccess: 'socket',
          signal: signals.stopping,
        });
      }
      await stopOnOtherPort(paths.pgdata, config.postgresql.port);
      await createMonitorPostgres({
        ...(await monitorPostgres(node, context)),
        superuser,
        password: config.pgAutoctl.autoctlNodePassword,
        formations,
        signal: signals.stopping,
        onProgress: (step) => context.log.info(step),
      });
    };
    await make().catch((error: unknown) => {
      throw signals.stopping.aborted ? interrupted(paths.pgdata) : error;
    });
    context.log.info(
      `The monitor is created: ${monitorUri(config.pgAutoctl.hostname, config.postgresql.port, clientTls(config.ssl.sslmode, config.ssl.caFile, config.ssl.crlFile))}`,
    );
    if (flags['run'] === true) return runConfigured(node, context, pidFile, signals);
    await stopPostmaster(paths.pgdata, { mode: 'fast' });
    context.log.info(`Run it with: ${context.bin} run --pgdata ${shellWord(paths.pgdata)}`);
    return EXIT.ok;
  });
}

/**
 * A monitor's data directory is resumed, and one that came from a backup is served again; another Postgres stays
 * as it is.
 * @throws UserError `pgdata-not-empty`, `port-in-use`, and what keeps Postgres from starting there.
 */
async function checkMonitorPostgres(paths: NodePaths, bindir: string, port: number): Promise<void> {
  const existing = await findExistingPostgres(bindir, paths.pgdata);
  if (existing.tag !== 'none') {
    await requireUsableDataDirectory(bindir, paths.pgdata);
    if (!existsSync(paths.config) && !(await isOfMonitor(paths.pgdata))) {
      throw new UserError(`The directory ${paths.pgdata} has a Postgres that is no monitor.`, {
        code: 'pgdata-not-empty',
        exit: EXIT.badState,
        hint: 'Choose another --pgdata: a monitor has a Postgres of its own.',
      });
    }
  }
  if (existing.tag !== 'running' || existing.port !== port) await requireFreePort(port);
}

/** Left by an interrupted call that was given another port. */
async function stopOnOtherPort(pgdata: string, port: number): Promise<void> {
  const running = await readPostmasterPid(pgdata);
  if (running && running.port !== port) await stopPostmaster(pgdata, { mode: 'fast' });
}

function interrupted(pgdata: string): PgafError {
  return new PgafError(`The creation of the monitor in "${pgdata}" was stopped before its end.`, {
    code: 'create-interrupted',
    exit: EXIT.badState,
    hint: 'Run the same command again: it goes on from there.',
  });
}
