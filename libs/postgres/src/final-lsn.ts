import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, ProgramError, UserError } from '@pgaf/core/errors';
import { formatLsn, maxLsn, parseLsn, type Lsn } from '@pgaf/core/lsn';
import { readControlData, type ControlData } from './control-data.js';
import { runProgram } from './run-program.js';
import { endOfRecordAt, walFileName, walFileStart } from './wal-position.js';

/**
 * Where the WAL on disk ends, from a position where a record begins or the last one ended. pg_waldump reads on
 * until no valid record follows, and its error names where the last one began, or the segment that is not there.
 */
async function endOfWal(
  bindir: string,
  pgdata: string,
  control: ControlData,
  from: Lsn,
  timeline: number,
): Promise<Lsn> {
  // Often so after a base backup. pg_waldump would look for a missing segment for five seconds.
  const segment = join(pgdata, 'pg_wal', walFileName(timeline, from, control.segmentSize));
  if (
    await access(segment).then(
      () => false,
      () => true,
    )
  )
    return from;
  const args = ['--quiet', '-p', join(pgdata, 'pg_wal'), '-t', String(timeline), '-s', formatLsn(from)];
  try {
    await runProgram({ program: join(bindir, 'pg_waldump'), args });
    return from;
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    const last = /error in WAL record at ([0-9A-F]+\/[0-9A-F]+)/.exec(error.lastLines)?.[1];
    if (last !== undefined) return endOfRecordAt(pgdata, timeline, parseLsn(last), control);
    const missing = /could not find file "([0-9A-F]{24})"/.exec(error.lastLines)?.[1];
    if (missing !== undefined) return walFileStart(missing, control.segmentSize);
    if (/could not find a valid record after/.test(error.lastLines)) return from;
    throw error;
  }
}

/**
 * The position that owns everything a cleanly stopped Postgres had: a standby has all of it, the shutdown
 * checkpoint included, if and only if its receive or replay LSN is at or past this.
 *
 * After a stop as primary it is the end of the shutdown checkpoint record (pg_control has its beginning, which a
 * standby also passes with half of the record). After a stop as standby it is the end of the WAL on its disk.
 * @throws UserError `not-cleanly-stopped` in any other state.
 */
export async function finalLsn(bindir: string, pgdata: string): Promise<Lsn> {
  const control = await readControlData(bindir, pgdata);
  switch (control.state) {
    case 'shut down':
      return endOfRecordAt(pgdata, control.timeline, control.checkpointLsn, control);
    case 'shut down in recovery': {
      const known = maxLsn(control.minRecoveryEnd, control.checkpointLsn);
      const timeline = Math.max(control.timeline, control.minRecoveryTimeline);
      return endOfWal(bindir, pgdata, control, known, timeline);
    }
    default:
      throw new UserError(`Postgres in ${pgdata} was not stopped cleanly: it is "${control.state}".`, {
        code: 'not-cleanly-stopped',
        exit: EXIT.badState,
        hint: 'Start it once, so that it recovers from its WAL, and stop it.',
      });
  }
}

/** Far more than the record of a commit, and read in a moment. */
const LOOK_BACK: Lsn = 16n * 1024n * 1024n;

/**
 * Where the WAL on this disk ends, after an immediate stop of a primary, all of whose processes are gone: at or past
 * every commit that it acknowledged, as none is before it is flushed here; or of a standby that crashed: where its
 * next start has replayed all of it. `known`: a position that it had flushed, and the timeline that it was on.
 * @throws ProgramError when the WAL cannot be read.
 */
export async function endOfFlushedWal(
  bindir: string,
  pgdata: string,
  known: { readonly lsn: Lsn; readonly timeline: number },
): Promise<Lsn> {
  const control = await readControlData(bindir, pgdata);
  // Flushed is what was written out, which may be half of a record: its other half is found from before its beginning,
  // in the same segment, since this timeline may have no earlier one.
  const segment = BigInt(control.segmentSize);
  const before = known.lsn - (known.lsn % (segment < LOOK_BACK ? segment : LOOK_BACK));
  const end = await endOfWal(bindir, pgdata, control, maxLsn(before, control.redoLsn), known.timeline);
  return maxLsn(end, known.lsn);
}
