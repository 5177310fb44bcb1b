import { NODE_FILE } from '@pgaf/config/node-file';
import { EXIT, PgafError, type ExitStatus } from '@pgaf/core/errors';
import { Wake } from '@pgaf/core/wake';
import { readStateFile } from '@pgaf/keeper/state-file';
import type { CommandContext } from '../command-spec.js';
import { createMonitor } from '../create/create-monitor.js';
import { createNode } from '../create/create-node.js';
import type { FlagValues } from '../create/flag-values.js';
import { nodePaths, readNode } from '../node-files.js';
import { moveNode } from '../service/move-node.js';
import { runNode } from '../service/run-service.js';
import { stopSignals } from '../service/stop-signals.js';
import { convergeConfiguration } from './converge-configuration.js';
import { createFlagsOfFile } from './create-flags-of-file.js';
import { inTermsOfFile } from './in-terms-of-file.js';
import { KeepConverging, LOOK_EVERY } from './keep-converging.js';
import { readSpecifiedNode, type SpecifiedNode } from './specified-node.js';

export interface NodeRunFlags {
  readonly file?: string | undefined;
}

/**
 * Runs the node that a file describes: creates it when there is none, and brings it in line with the file at each
 * start and with each change.
 */
export async function runNodeFile(flags: NodeRunFlags, context: CommandContext): Promise<ExitStatus> {
  const path = context.resolvePath(flags.file ?? NODE_FILE);
  const wake = new Wake();
  const onHangUp = (): void => wake.ring();
  process.on('SIGHUP', onHangUp);
  try {
    const first = await readSpecifiedNode(path, context);
    const spec = isRegistered(first, context) ? first : await awaitLaunch('create', first, wake, context);
    if (spec === null) return EXIT.ok;
    if (spec.file.config.launch.run === 'immediate') return await serve(spec, wake, context);
    if (!isRegistered(spec, context)) await create(spec, createFlagsOfFile(spec, context), context);
    const launched = await awaitLaunch('run', spec, wake, context);
    return launched === null ? EXIT.ok : await serve(launched, wake, context);
  } finally {
    process.off('SIGHUP', onHangUp);
  }
}

/** Waits until the file no longer defers it; null when it is told to stop before. */
async function awaitLaunch(
  phase: 'create' | 'run',
  spec: SpecifiedNode,
  wake: Wake,
  context: CommandContext,
): Promise<SpecifiedNode | null> {
  const { path } = spec.file;
  if (spec.file.config.launch[phase] === 'immediate') return spec;
  context.log.info(`Waiting until ${path} does not say launch.${phase} = deferred any more`);
  const signals = stopSignals(context.env);
  signals.onStop(() => wake.ring());
  let complaint = '';
  try {
    for (;;) {
      await wake.wait(LOOK_EVERY);
      if (signals.stopping.aborted) return null;
      try {
        const next = await readSpecifiedNode(path, context);
        if (signals.stopping.aborted) return null;
        if (next.file.config.launch[phase] === 'immediate') return next;
        complaint = '';
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (message !== complaint) context.log.error(`${path} is wrong, and is waited for`, { error });
        complaint = message;
      }
    }
  } finally {
    signals.release();
  }
}

/** Runs the service, and beside it what brings it in line. */
async function serve(spec: SpecifiedNode, wake: Wake, context: CommandContext): Promise<ExitStatus> {
  const ending = new AbortController();
  const inTerms = (error: unknown): never => {
    throw inTermsOfFile(error, spec.file);
  };
  const { ended } = await start(spec, context).catch(inTerms);
  const service = ended.catch(inTerms);
  const converging = new KeepConverging(spec, context).until(ending.signal, wake);
  try {
    return await service;
  } finally {
    ending.abort();
    wake.ring();
    await converging;
  }
}

/**
 * A monitor's creation goes on where it is, and is nothing to do for one that is there. What the file says is in force when
 * this returns: who looks for changes of it begins then.
 */
async function start(
  spec: SpecifiedNode,
  context: CommandContext,
): Promise<{ readonly ended: Promise<ExitStatus> }> {
  if (!isRegistered(spec, context)) {
    return { ended: create(spec, { ...createFlagsOfFile(spec, context), run: true }, context) };
  }
  await moveToPort(spec, context);
  await convergeConfiguration(spec, context);
  return { ended: runNode({ pgdata: spec.file.pgdata, force: false }, context) };
}

function create(spec: SpecifiedNode, flags: FlagValues, context: CommandContext): Promise<ExitStatus> {
  return spec.what === null ? createMonitor(flags, [], context) : createNode(spec.what, flags, context);
}

/** Of a node that the monitor knows. */
function isRegistered({ what, file }: SpecifiedNode, context: CommandContext): boolean {
  return what !== null && readStateFile(nodePaths(file.pgdata, context).state) !== null;
}

/** While its Postgres is down, it can get another port, once the monitor knows. A node that cannot runs on the old one. */
async function moveToPort({ file }: SpecifiedNode, context: CommandContext): Promise<void> {
  const option = file.options.get('pgport');
  const node = await readNode(file.pgdata, context);
  if (option === undefined || Number(option.value) === node.config.postgresql.port) return;
  try {
    await moveNode(node, { pgport: String(option.value) }, context);
  } catch (error) {
    const passes = error instanceof PgafError && (error.mayMendItself || error.code === 'postgres-running');
    if (!passes) throw error;
    context.log.warn(`${file.path}:${option.line}: node.port is not taken now`, { error });
  }
}
