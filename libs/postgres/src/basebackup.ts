import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostAndPort } from '@pgaf/core/host-and-port';
import { EXIT } from '@pgaf/core/errors';
import { versionOf } from './binaries.js';
import { inspectDataDirectory, makeDataDirectory, notOurs, requireReplaceableWal } from './data-directory.js';
import { endProcesses } from './end-processes.js';
import {
  fillDirectory,
  finishFilling,
  stagedData,
  type Filling,
  type StagedPlaces,
} from './fill-directory.js';
import { endLeftovers } from './leftovers.js';
import { standbyName } from './names.js';
import { programsWith } from './processes.js';
import { runProgram } from './run-program.js';
import { upstreamConninfo, type Upstream } from './upstream.js';

export interface CopyProgress {
  readonly doneKb: number;
  /** An estimate of the source's. */
  readonly totalKb: number;
}

export interface BasebackupOptions {
  readonly bindir: string;
  /** Emptied and filled; Postgres must not be running in it. */
  readonly pgdata: string;
  readonly upstream: Upstream;
  readonly nodeId: number;
  /** `own`: the source keeps WAL by this node's slot, which exists; `none`: by luck and wal_keep_size. */
  readonly slot: 'own' | 'none';
  /** As pg_basebackup takes it, such as `100M` a second. */
  readonly maxRate?: string | undefined;
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
  /** Where the copy has its WAL; default: inside the data directory. */
  readonly waldir?: string | null | undefined;
  /** Where it has its tablespaces, by their locations at the source; each must be there. */
  readonly tablespaces?: ReadonlyMap<string, string> | undefined;
  /** What becomes of the data that are there. */
  readonly old: Filling['old'];
  readonly signal?: AbortSignal | undefined;
}

const KILL_AFTER_MS = 500;
const PROGRESS = /^\s*(\d+)\/(\d+) kB/;

/** What pg_basebackup says of itself: never a standby's name, or its flushes would count as that standby's, which are not durable yet. */
function backupName(nodeId: number): string {
  return `pgautofailover_basebackup_${nodeId}`;
}

function targetOf(pgdata: string): string {
  return `--pgdata=${stagedData(pgdata)}`;
}

/**
 * Ends a base backup whose starter was killed: it would go on to write. pg_basebackup's own child streams the WAL; both
 * name the target among their arguments.
 */
export async function endOrphanedCopy(pgdata: string, signal: AbortSignal | undefined): Promise<void> {
  await endProcesses(programsWith('pg_basebackup', targetOf(pgdata)), {
    first: 'SIGTERM',
    killAfterMs: KILL_AFTER_MS,
    signal,
  });
}

/** pg_basebackup splits at the first `=` that no backslash leads. */
function mapped(path: string): string {
  return path.replaceAll('=', '\\=');
}

/** As pg_basebackup is called. */
export function basebackupArguments(options: BasebackupOptions, staged: StagedPlaces): string[] {
  const { upstream, nodeId } = options;
  return [
    targetOf(options.pgdata),
    `--dbname=${upstreamConninfo({ ...upstream, dbname: undefined }, backupName(nodeId))}`,
    '--no-password',
    '--verbose',
    '--progress',
    '--wal-method=stream',
    '--checkpoint=fast',
    ...(staged.waldir === null ? [] : [`--waldir=${staged.waldir}`]),
    ...[...(options.tablespaces ?? [])].map(([from, location]) => {
      const to = staged.tablespaces.get(location) ?? location;
      return `--tablespace-mapping=${mapped(from)}=${mapped(to)}`;
    }),
    ...(options.slot === 'own' ? [`--slot=${standbyName(nodeId)}`] : []),
    ...(options.maxRate === undefined ? [] : [`--max-rate=${options.maxRate}`]),
  ];
}

/**
 * Replaces the data directory's content by a copy of the upstream's, its configuration files included: the caller
 * writes ours again before the start. The copy is a standby by its `standby.signal`, so that it can never come up as a
 * second primary. Interrupted or failed, the old data are as they were when they are kept, else the directory is
 * `unfinished`; the next call starts over.
 * @throws UserError `pgdata-not-empty` when there is something else than a data directory, `wal-is-mount-point`; ProgramError; BugError while
 * its postmaster lives.
 */
export async function basebackup(options: BasebackupOptions): Promise<void> {
  const { pgdata, upstream } = options;
  await requireReplaceableWal(pgdata);
  if ((await inspectDataDirectory(pgdata)) === 'foreign') throw notOurs(pgdata);
  await makeDataDirectory(pgdata);
  await endLeftovers(pgdata, options);
  await endOrphanedCopy(pgdata, options.signal);
  await finishFilling(pgdata);
  const { major } = await versionOf(options.bindir);
  const fresh = { waldir: options.waldir ?? null, tablespaces: [...(options.tablespaces?.values() ?? [])] };
  await fillDirectory({ pgdata, major, fresh, old: options.old }, async (staged) => {
    try {
      await runProgram({
        program: join(options.bindir, 'pg_basebackup'),
        args: basebackupArguments(options, staged),
        env: { PGAPPNAME: undefined },
        exit: EXIT.pgsql,
        hint: `Look whether ${hostAndPort(upstream.host, upstream.port)} runs and lets this host in for replication.`,
        signal: options.signal,
        onLine: (line) => {
          const found = PROGRESS.exec(line);
          if (found) options.onProgress?.({ doneKb: Number(found[1]), totalKb: Number(found[2]) });
        },
      });
    } finally {
      await endOrphanedCopy(pgdata, undefined);
    }
    await writeFile(join(staged.data, 'standby.signal'), '');
  });
}
