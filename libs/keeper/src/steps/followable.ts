import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, UserError } from '@pgaf/core/errors';
import { formatLsn, maxLsn, type Lsn } from '@pgaf/core/lsn';
import { readControlData, type ControlData } from '@pgaf/postgres/control-data';
import { endOfFlushedWal, finalLsn } from '@pgaf/postgres/final-lsn';
import {
  isOnAnotherLine,
  localTimelinesOf,
  strayTimelines,
  type LocalTimelines,
} from '@pgaf/postgres/stray-timelines';
import { isOnLine } from '@pgaf/postgres/timeline-history';
import { walFileStart } from '@pgaf/postgres/wal-position';
import type { Peer } from '@pgaf/monitor-client/reports';
import type { NodeConfig } from '../node-config.js';
import { withSource, type SourceClient } from './source-connection.js';
import { sourceLine, type SourceLine } from './source-line.js';

interface Source {
  readonly line: SourceLine;
  /** The first file of WAL that it still has, and how long such files are. */
  readonly oldestWal: string;
  readonly segmentSize: number;
}

/**
 * Whether the data that were here before pgaf can follow the leader as they are. They are the user's: nothing is taken
 * back or copied over in them.
 * @throws UserError `other-system`, `diverged`, `wal-gone`, `not-cleanly-stopped`; PgafError when the leader does not answer.
 */
export async function requireFollowable(
  config: NodeConfig,
  leader: Peer,
  signal: AbortSignal,
): Promise<void> {
  const { bindir, pgdata } = config;
  // A copy of ours that was not started yet.
  if (existsSync(join(pgdata, 'backup_label'))) return;
  const control = await readControlData(bindir, pgdata);
  const local = await localTimelinesOf(pgdata, control);
  const ends = await endsOf(config, control, local);
  const source = await withSource(config, leader, signal, sourceOf);
  const who = `node ${leader.id} "${leader.name}"`;
  const { line } = source;
  if (line.systemIdentifier !== String(control.systemIdentifier)) {
    throw refuse(
      `The data in ${pgdata} are of another system than ${who}: ${control.systemIdentifier}, not ${line.systemIdentifier}.`,
      'other-system',
    );
  }
  const [end] = ends;
  const foreign = isOnAnotherLine(local, line) ? end : ends.find((one) => !isOnLine(one, line));
  if (foreign) {
    throw refuse(
      `The data in ${pgdata} end at ${formatLsn(foreign.lsn)} on timeline ${foreign.timeline}, which ${who} never had.`,
      'diverged',
    );
  }
  const [stray] = strayTimelines(local, line);
  if (stray !== undefined) {
    throw refuse(`The data in ${pgdata} have a timeline ${stray} that ${who} never had.`, 'diverged');
  }
  if (end.lsn < walFileStart(source.oldestWal, source.segmentSize)) {
    throw refuse(
      `The data in ${pgdata} end at ${formatLsn(end.lsn)}, and ${who} has no WAL from there on any more.`,
      'wal-gone',
    );
  }
}

interface WalEnd {
  readonly timeline: number;
  readonly lsn: Lsn;
}

/** The latest timeline first. */
type WalEnds = [WalEnd, ...WalEnd[]];

/**
 * Where the WAL here ends, on each timeline from that of pg_control on. What a standby has received counts, whether it
 * was replayed or not: its start replays all of it. A primary that crashed wrote nobody knows how much.
 * @throws UserError `not-cleanly-stopped`.
 */
async function endsOf(
  { bindir, pgdata }: NodeConfig,
  control: ControlData,
  local: LocalTimelines,
): Promise<WalEnds> {
  const isStandby = control.state === 'in archive recovery' || control.state === 'shut down in recovery';
  if (!isStandby) return [{ timeline: local.timeline, lsn: await finalLsn(bindir, pgdata) }];
  const endOf = async (timeline: number): Promise<WalEnd> => {
    const begins = local.histories.get(timeline)?.at(-1)?.switchpoint ?? 0n;
    const known = maxLsn(begins, control.minRecoveryEnd, control.checkpointLsn);
    return { timeline, lsn: await endOfFlushedWal(bindir, pgdata, { lsn: known, timeline }) };
  };
  let ends: WalEnds = [await endOf(local.timeline)];
  const later = [...local.histories.keys()].filter((timeline) => timeline > local.timeline);
  for (const timeline of later.sort((a, b) => a - b)) ends = [await endOf(timeline), ...ends];
  return ends;
}

async function sourceOf(client: SourceClient): Promise<Source> {
  const { rows } = await client.query<Record<string, string>>(
    `SELECT (SELECT min(substr(name, 9)) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$') AS oldest,
            (SELECT setting FROM pg_settings WHERE name = 'wal_segment_size') AS segment`,
  );
  const [row = {}] = rows;
  return {
    line: await sourceLine(client),
    oldestWal: `00000000${row['oldest'] ?? ''}`,
    segmentSize: Number(row['segment']),
  };
}

function refuse(message: string, code: string): UserError {
  return new UserError(message, {
    code,
    exit: EXIT.badState,
    hint: 'Keep a copy elsewhere if you need them, then empty the data directory: the node is copied from the primary.',
  });
}
