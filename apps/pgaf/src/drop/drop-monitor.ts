import { existsSync } from 'node:fs';
import { EXIT, PgafError, UserError } from '@pgaf/core/errors';
import { FAST_STOP } from '@pgaf/core/fast-stop';
import { startMonitorPostgres } from '@pgaf/monitor/create';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import { readPostmasterPid } from '@pgaf/postgres/postmaster-pid';
import type { CommandContext } from '../command-spec.js';
import { nodePaths, readNode, type MonitorNode } from '../node-files.js';
import { readPidFile } from '../pid-file.js';
import { withMonitor } from '../reach-monitor.js';
import { monitorPostgres } from '../service/monitor-postgres.js';
import { sendSignal } from '../service/send-signal.js';
import { shellWord } from '@pgaf/core/shell-word';
import { awaitServiceEnd } from './await-service-end.js';
import { destroyFiles, removeFoldersLeftEmpty } from './destroy-files.js';

export interface DropMonitorFlags {
  readonly pgdata?: string | undefined;
  readonly destroy: boolean;
  readonly force: boolean;
}

interface RegisteredNode {
  readonly formation: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/**
 * Stops the monitor; with --destroy removes its data and configuration. Run again it goes on from where it was cut
 * off, and finds nothing to do in the end.
 * @throws PgafError `nodes-registered` without --force, while a node counts on this monitor.
 */
export async function dropMonitor(flags: DropMonitorFlags, context: CommandContext): Promise<void> {
  const paths = nodePaths(flags.pgdata, context);
  if (!existsSync(paths.config) && !existsSync(paths.pgdata)) {
    if (flags.destroy) removeFoldersLeftEmpty(paths);
    context.log.info(`There is no monitor in "${paths.pgdata}" any more`);
    return;
  }
  const node = await readNode(flags.pgdata, context);
  if (node.role !== 'monitor') throw notAMonitor(paths.pgdata);
  if (!flags.force && existsSync(paths.pgdata)) await requireNoNodes(node, context);
  const service = readPidFile(paths.pid);
  if (service?.alive) sendSignal(service.service.pid, 'SIGTERM');
  await awaitServiceEnd(paths, context);
  await stopPostmaster(paths.pgdata, { mode: 'fast', immediateAfterMs: FAST_STOP });
  context.log.info(`The monitor in "${paths.pgdata}" is stopped`);
  if (flags.destroy) await destroyFiles(paths, context);
  else context.log.info('Its data and configuration stay; --destroy removes them');
}

async function requireNoNodes(node: MonitorNode, context: CommandContext): Promise<void> {
  const nodes = await registeredNodes(node, context);
  if (nodes.length === 0) return;
  const list = nodes.map(({ formation, name, host, port }) => {
    const where = formation === 'default' ? '' : ` of formation "${formation}"`;
    return `"${name}" (${host}:${port})${where}`;
  });
  throw new PgafError(`Nodes are registered at this monitor: ${list.join(', ')}.`, {
    code: 'nodes-registered',
    exit: EXIT.badState,
    hint: 'Drop them first, each with `pgaf drop node`; or use --force: their Postgres goes on, and nothing is failed over any more.',
  });
}

/** A monitor that does not run is started for the question. */
async function registeredNodes(node: MonitorNode, context: CommandContext): Promise<RegisteredNode[]> {
  const { pgdata } = node.paths;
  const started = (await readPostmasterPid(pgdata)) ? null : await start(node, context);
  try {
    return await withMonitor({ pgdata }, context, (session) =>
      session.query<RegisteredNode>(
        `SELECT formationid AS formation, nodename AS name, nodehost AS host, nodeport AS port
           FROM pgautofailover.node ORDER BY formationid, nodeid`,
      ),
    );
  } catch (cause) {
    throw cannotTell(cause);
  } finally {
    if (started) await stopPostmaster(pgdata, { mode: 'fast', immediateAfterMs: FAST_STOP });
  }
}

async function start(node: MonitorNode, context: CommandContext): Promise<'started'> {
  try {
    (await startMonitorPostgres(await monitorPostgres(node, context))).release();
    return 'started';
  } catch (cause) {
    throw cannotTell(cause);
  }
}

function cannotTell(cause: unknown): PgafError {
  return new PgafError('The monitor cannot be asked whether nodes are registered.', {
    code: 'nodes-unknown',
    exit: EXIT.monitor,
    hint: 'Mend it; or use --force to drop it whatever it has.',
    cause,
  });
}

function notAMonitor(pgdata: string): UserError {
  return new UserError(`"${pgdata}" is a node of a formation, and no monitor.`, {
    code: 'other-role',
    exit: EXIT.badState,
    hint: `To drop the node: pgaf drop node --pgdata ${shellWord(pgdata)}`,
  });
}
