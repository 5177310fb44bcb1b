import { warnOfOpenFile } from '@pgaf/config/file';
import { EXIT, UserError, type ExitStatus } from '@pgaf/core/errors';
import type { Opening } from '@pgaf/keeper/keeper';
import type { StopManner } from '@pgaf/keeper/stop-manner';
import type { CommandContext } from '../command-spec.js';
import { MONITOR_WAIT } from '../create/await-server.js';
import { readNode, type ConfiguredNode } from '../node-files.js';
import { takePidFile, type PidFile } from '../pid-file.js';
import { SCHEMA_VERSION } from '../schema-version.js';
import { moveNode, type PlaceFlags } from './move-node.js';
import { runKeeper } from './run-keeper.js';
import { runMonitor } from './run-monitor.js';
import { stopSignals, type StopSignals } from './stop-signals.js';

export interface RunFlags extends PlaceFlags {
  readonly pgdata?: string | undefined;
  readonly force: boolean;
}

const STOPPING: Readonly<Record<StopManner, string>> = {
  handOff: 'Told to stop and to leave Postgres running (SIGUSR2)',
  orderly: 'Told to stop (SIGTERM)',
  quick: 'Told to stop fast (SIGINT)',
  immediate: 'Told to stop at once (SIGQUIT)',
};

/** Runs the service of the data directory until it is told to stop. */
export async function runNode(flags: RunFlags, context: CommandContext): Promise<ExitStatus> {
  const node = await readNode(flags.pgdata, context);
  for (const { name, line } of node.file.foreign) {
    context.log.warn(
      `${node.file.path}:${line}: [${name}] is a section of no plugin that is here, and is passed over`,
    );
  }
  const isOpen = await warnOfOpenFile(node.paths.config);
  if (isOpen !== null) context.log.warn(isOpen);
  if (flags.force && node.role === 'monitor') throw monitorNeedsNoForce();
  const opening = flags.force ? 'byForce' : 'confirmed';
  return asService(node, context, async (pidFile, signals) => {
    const patience = { limit: MONITOR_WAIT, stopping: signals.stopping };
    const moved = await moveNode(node, flags, context, patience).catch((error: unknown) => {
      if (signals.stopping.aborted) return null;
      throw error;
    });
    return moved === null ? EXIT.ok : runConfigured(moved, context, pidFile, signals, opening);
  });
}

/** Runs what is configured, in a process that holds the pid file already. */
export async function runConfigured(
  node: ConfiguredNode,
  context: CommandContext,
  pidFile: PidFile,
  signals: StopSignals,
  opening: Opening = 'confirmed',
): Promise<ExitStatus> {
  context.log.info(`${context.bin} runs the ${node.role} of "${node.paths.pgdata}"`, {
    version: context.version,
  });
  signals.onStop((manner) => context.log.info(STOPPING[manner]));
  const end =
    node.role === 'monitor'
      ? await runMonitor(node, context, pidFile, signals)
      : await runKeeper(node, context, pidFile, signals, opening);
  context.log.info(`${context.bin} has stopped`);
  return end === 'dropped' ? EXIT.dropped : EXIT.ok;
}

/** Holds the pid file, and listens to signals, for as long as the work takes. */
export async function asService<T>(
  { paths }: Pick<ConfiguredNode, 'paths'>,
  context: CommandContext,
  work: (pidFile: PidFile, signals: StopSignals) => Promise<T>,
): Promise<T> {
  const pidFile = takePidFile(paths.pid, paths.pgdata, context.version, String(SCHEMA_VERSION));
  const signals = stopSignals(context.env);
  try {
    return await work(pidFile, signals);
  } finally {
    signals.release();
    pidFile.remove();
  }
}

function monitorNeedsNoForce(): UserError {
  return new UserError('--force is for a node: nobody has to confirm a monitor.', {
    code: 'force-on-monitor',
    exit: EXIT.badArguments,
    hint: 'Leave --force out.',
  });
}
