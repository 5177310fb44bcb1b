import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { MonitorPostgres } from '@pgaf/monitor/create';
import { runService } from '@pgaf/monitor/service';
import { EXIT, PgafError, UserError } from '@pgaf/core/errors';
import { FAST_STOP } from '@pgaf/core/fast-stop';
import { startPostmaster, type Postmaster } from '@pgaf/postgres/postmaster';
import { pruneLogs } from '@pgaf/postgres/prune-logs';
import { formatBytes, shortages } from '@pgaf/postgres/room';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import type { CommandContext } from '../command-spec.js';
import type { PidFile } from '../pid-file.js';
import { MonitorInForce } from './monitor-in-force.js';
import type { MonitorNode } from '../node-files.js';
import { monitorPostgres } from './monitor-postgres.js';
import type { StopSignals } from './stop-signals.js';
import { PassingError, supervise } from './supervise.js';

/** A postmaster that makes no progress for so long will not come up. */
const START_STALL_MS = 10_000;
/** Two segments of WAL: with less left it may be for want of room that Postgres does not run. */
const ROOM_TO_RUN = 32 * 1024 * 1024;
/** Between two looks at how large the logs of Postgres have become. */
const PRUNE_MS = 60_000;

/** The monitor's Postgres and the service that decides on it, both started again when they fail. */
export async function runMonitor(
  node: MonitorNode,
  context: CommandContext,
  pidFile: PidFile,
  signals: StopSignals,
): Promise<void> {
  const { log } = context;
  const { pgdata } = node.paths;
  const inForce = new MonitorInForce(node, context);
  const server = await monitorPostgres(node, context);
  // Such as for want of room: a monitor whose settings are those of its last start is better than none.
  await inForce.writePostgresFiles().catch((error: unknown) => {
    log.warn('The settings of Postgres cannot be written, so the old ones stay', { error });
  });
  signals.onReload(() => void inForce.reload());
  let isUp: () => void = () => undefined;
  const up = new Promise<void>((resolve) => (isUp = resolve));
  const postgres = supervise(
    'Postgres of the monitor',
    async () => {
      try {
        await holdPostgres(server, context, pidFile, signals, isUp);
      } catch (error) {
        const reason = await orWantOfRoom(pgdata, error);
        if (reason instanceof PassingError) tell(pidFile, (file) => file.setWaiting(reason.message));
        throw reason;
      }
    },
    log,
    signals.stopping,
  );
  const { socketDirectory, port } = server;
  const database = { socketDirectory, port, user: userInfo().username };
  const service = supervise(
    'monitor service',
    async () => {
      await Promise.race([up, postgres]);
      await runService({
        database,
        kinds: context.host,
        settings: () => inForce.settings,
        logger: log,
        signal: signals.stopping,
      });
    },
    log,
    signals.stopping,
  );
  const failure = await firstFailure([postgres, service]);
  if (failure !== null) signals.stop('orderly');
  await Promise.allSettled([postgres, service]);
  // It is the other service's, which goes on.
  if (failure?.reason instanceof UserError && failure.reason.code === 'another-service') throw failure.reason;
  if (signals.manner() === 'handOff') {
    log.info('Postgres of the monitor goes on');
    return;
  }
  const mode = signals.manner() === 'immediate' ? 'immediate' : 'fast';
  await stopPostmaster(pgdata, { mode, immediateAfterMs: FAST_STOP });
  if (failure !== null) throw failure.reason;
}

/** Starts Postgres, or takes the one that runs, and resolves when it shall stop. @throws when it ends by itself. */
async function holdPostgres(
  server: MonitorPostgres,
  { log }: CommandContext,
  pidFile: PidFile,
  { stopping }: StopSignals,
  onUp: () => void,
): Promise<void> {
  const { bindir, pgdata, port, listenAddresses, socketDirectory, logFile } = server;
  const place = { bindir, pgdata, port, listenAddresses, socketDirectory, logFile };
  const start = startPostmaster({ ...place, stallMs: START_STALL_MS, signal: stopping });
  const postmaster = await start.catch((error: unknown) => {
    // Told to stop meanwhile: that ends the wait, and is no failure.
    if (stopping.aborted && error === stopping.reason) return null;
    throw error;
  });
  if (postmaster === null) return;
  tell(pidFile, (file) => {
    file.setServices([
      { pid: postmaster.pid, name: 'postgres' },
      { pid: process.pid, name: 'listener' },
    ]);
    file.setWaiting(null);
  });
  log.info('Postgres of the monitor is up', { postmaster: postmaster.pid, port });
  onUp();
  const pruning = setInterval(() => void pruneLogs(pgdata, logFile).catch(() => []), PRUNE_MS);
  await endOrStop(postmaster, stopping);
  clearInterval(pruning);
  postmaster.release();
  if (stopping.aborted) return;
  throw new PgafError('Postgres of the monitor ended by itself.', {
    code: 'postgres-ended',
    exit: EXIT.pgctl,
    hint: `See ${logFile} and the log of Postgres.`,
  });
}

/** The error, or that there is no room, which passes when somebody makes some. */
async function orWantOfRoom(pgdata: string, error: unknown): Promise<unknown> {
  const demand = { bytes: ROOM_TO_RUN, freed: 0 };
  const places = [pgdata, join(pgdata, 'pg_wal')].map((path) => ({ ...demand, path }));
  const [short] = await shortages(places).catch(() => []);
  if (short === undefined) return error;
  return new PassingError(
    `Postgres of the monitor does not run, and ${formatBytes(short.free)} are free on the file system of ${short.path}.`,
    {
      code: 'no-room',
      exit: EXIT.pgctl,
      hint: 'Make room there: it is started again by itself. Until then nothing is failed over.',
      cause: error,
    },
  );
}

/** On a full disk the log alone says so. */
function tell(pidFile: PidFile, say: (file: PidFile) => void): void {
  try {
    say(pidFile);
  } catch {
    // Postgres and the service go on.
  }
}

function endOrStop(postmaster: Postmaster, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stopping.aborted) resolve();
    stopping.addEventListener('abort', () => resolve(), { once: true });
    void postmaster.exited.then(() => resolve());
  });
}

/** Waits until all are done, or one has failed. */
async function firstFailure(all: readonly Promise<unknown>[]): Promise<{ readonly reason: unknown } | null> {
  try {
    await Promise.all(all);
    return null;
  } catch (reason) {
    return { reason };
  }
}
