import type { ControlData } from './control-data.js';
import { isOnAnotherLine, type LocalTimelines } from './stray-timelines.js';
import type { WalLine } from './timeline-history.js';
import { endOfRecordAt } from './wal-position.js';

/**
 * Where the WAL of a cleanly stopped primary ends, beside where the line of another one left its timeline. `there`: at the
 * same place, so that there is nothing to take back. `before`: others went on with that timeline after this stop, which no
 * successor does, so that part of it was written here by hand. `unknown`: it was not stopped cleanly, or ends beyond.
 */
export type CleanEnd = 'there' | 'before' | 'unknown';

/**
 * Spares the source the checkpoint that pg_rewind needs before version 16 to find that there is nothing to rewind: it writes
 * out all that a busy source has dirty. What cannot be read here is unknown, too.
 */
export async function cleanEndOf(
  pgdata: string,
  control: ControlData,
  local: LocalTimelines,
  line: WalLine,
): Promise<CleanEnd> {
  const { timeline } = control;
  // On the timeline that the other one writes it was no primary, or made one of the same number.
  if (control.state !== 'shut down' || timeline === line.timeline) return 'unknown';
  const left = line.history.find((one) => one.timeline === timeline)?.switchpoint;
  if (left === undefined || isOnAnotherLine(local, line)) return 'unknown';
  const end = await endOfRecordAt(pgdata, timeline, control.checkpointLsn, control).catch(() => null);
  if (end === left) return 'there';
  return end !== null && end < left ? 'before' : 'unknown';
}
