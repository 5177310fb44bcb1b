import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EXIT, ProgramError } from '@pgaf/core/errors';
import { syncDirectory } from './atomic-file.js';
import { cleanEndOf } from './clean-end.js';
import { readControlData } from './control-data.js';
import { endProcesses } from './end-processes.js';
import { endLeftovers } from './leftovers.js';
import { standbyName } from './names.js';
import { programsWith } from './processes.js';
import { isOnAnotherLine, localTimelinesOf } from './stray-timelines.js';
import type { WalLine } from './timeline-history.js';
import { runProgram } from './run-program.js';
import { upstreamConninfo, type Upstream } from './upstream.js';

export interface RewindOptions {
  readonly bindir: string;
  /** Not running; was a primary, or was stopped cleanly. */
  readonly pgdata: string;
  /** A primary; needs a dbname, and a superuser. */
  readonly source: Upstream;
  /** The timeline that the source writes, and what it descends from. */
  readonly sourceLine: WalLine;
  readonly nodeId: number;
  /**
   * A file of ours outside of the data directory (pg_rewind removes what the source does not have), there while the
   * directory is neither the old nor the new one.
   */
  readonly marker: string;
  readonly onLine?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * `unneeded`: this node's WAL ends on the source's line, nothing was changed. `same-timeline`: by its pg_control the
 * source is on this node's timeline, nothing was changed; a source that was promoted a moment ago shows that too,
 * until its first checkpoint (Postgres 16 and later know better): checkpoint there, and try again.
 */
export type Rewound = 'rewound' | 'unneeded' | 'same-timeline';

const KILL_AFTER_MS = 500;

/**
 * What was left in recovery: rewound or copied and not started since, or a standby that crashed. pg_rewind would end
 * its recovery in single-user mode, which writes a checkpoint of this node's own where the source's WAL goes on: the
 * standby then skips what the source has there, without an error. All its WAL came from others, so on the source's
 * timeline it has nothing to take back.
 */
async function isStandbyOfSource({ bindir, pgdata, sourceLine }: RewindOptions): Promise<boolean> {
  const control = await readControlData(bindir, pgdata);
  const isCopy = existsSync(join(pgdata, 'backup_label'));
  const local = await localTimelinesOf(pgdata, control);
  const { timeline } = local;
  const isStandby = control.state === 'in archive recovery' || isCopy;
  // Two promotions chose that number, each its own: pg_rewind would find nothing to take back.
  const wasPrimary = !isStandby && control.state !== 'shut down in recovery';
  if (timeline === sourceLine.timeline && (wasPrimary || isOnAnotherLine(local, sourceLine))) {
    throw impossible(
      'rewind-of-namesake',
      `Timeline ${timeline} of ${pgdata} is not the one that the source has by this number.`,
    );
  }
  // A standby that somebody opened for a while, and that was on the same timeline: pg_rewind would find nothing here either.
  if (wasPrimary && (await cleanEndOf(pgdata, control, local, sourceLine)) === 'before') {
    throw impossible(
      'rewind-of-foreign-wal',
      `${pgdata} was stopped on timeline ${timeline} as a primary, before the end of what the source has of it.`,
    );
  }
  if (!isStandby) return false;
  if (timeline === sourceLine.timeline) return true;
  throw impossible(
    'rewind-of-standby',
    `${pgdata} is a standby on timeline ${timeline} that was not stopped cleanly, and the source is on ${sourceLine.timeline}.`,
  );
}

function impossible(code: string, message: string): ProgramError {
  return new ProgramError(message, {
    code,
    exit: EXIT.badState,
    hint: 'A base backup mends it.',
    command: 'pg_rewind',
    exitStatus: 'not started',
    lastLines: '',
  });
}

/** True when a rewind was interrupted or failed halfway: only a base backup mends that. */
export function rewindIsHalfDone(marker: string): boolean {
  return existsSync(marker);
}

function targetOf(pgdata: string): string {
  return `--target-pgdata=${pgdata}`;
}

/** Ends a rewind whose starter was killed: it would go on to write. */
export async function endOrphanedRewind(pgdata: string, signal: AbortSignal | undefined): Promise<void> {
  const rewinds = programsWith('pg_rewind', targetOf(pgdata));
  await endProcesses(rewinds, { first: 'SIGTERM', killAfterMs: KILL_AFTER_MS, signal });
}

/** After the base backup that mended it. */
export async function forgetRewind(marker: string): Promise<void> {
  await rm(marker, { force: true });
}

/**
 * Takes back what this node wrote after it parted from the source. After a crash pg_rewind first recovers in
 * single-user mode. It ends with a `standby.signal`. It copies the source's configuration files, ours and pg_hba.conf too: the caller writes ours again,
 * and standby mode, before the start.
 * @throws ProgramError; the caller does a base backup then, if the source can be reached at all.
 */
export async function rewind(options: RewindOptions): Promise<Rewound> {
  const { pgdata, marker } = options;
  await endOrphanedRewind(pgdata, options.signal);
  await endLeftovers(pgdata, options);
  if (rewindIsHalfDone(marker)) throw halfDone(pgdata);
  if (await isStandbyOfSource(options)) {
    await writeFile(join(pgdata, 'standby.signal'), '');
    return 'unneeded';
  }
  // Single-user mode refuses to be a standby; the caller writes standby mode afterwards anyway.
  await rm(join(pgdata, 'standby.signal'), { force: true });
  await writeFile(marker, `${pgdata}\n`);
  await syncDirectory(dirname(marker));
  let touched = false;
  let result: Rewound = 'rewound';
  try {
    await runProgram({
      program: join(options.bindir, 'pg_rewind'),
      args: [
        targetOf(pgdata),
        `--source-server=${upstreamConninfo(options.source, `${standbyName(options.nodeId)}_rewind`)}`,
        '--progress',
      ],
      env: { PGAPPNAME: undefined },
      exit: EXIT.pgctl,
      hint: 'A base backup mends it.',
      signal: options.signal,
      onLine: (line) => {
        touched ||= line.includes('need to copy');
        if (line.includes('on the same timeline')) result = 'same-timeline';
        else if (line.includes('no rewind required') && result === 'rewound') result = 'unneeded';
        options.onLine?.(line);
      },
    });
  } catch (error) {
    // Also when it was aborted: all that it said has been read.
    if (!touched) await forgetRewind(marker);
    throw error;
  } finally {
    // Whatever came of it, it must not start as a primary.
    await writeFile(join(pgdata, 'standby.signal'), '');
  }
  await forgetRewind(marker);
  return result;
}

function halfDone(pgdata: string): ProgramError {
  return new ProgramError(`A rewind of ${pgdata} did not come to its end.`, {
    code: 'rewind-half-done',
    exit: EXIT.badState,
    hint: 'A base backup mends it.',
    command: 'pg_rewind',
    exitStatus: 'interrupted',
    lastLines: '',
  });
}
