import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readBytes, writeAtomically } from './atomic-file.js';
import { parseLsn, type Lsn } from '@pgaf/core/lsn';

/** One line of a history file: a timeline that came before, and where it was left. */
export interface TimelineSwitch {
  readonly timeline: number;
  readonly switchpoint: Lsn;
}

/** Lines as `1<TAB>0/3000148<TAB>reason`, oldest first; comments begin with #. */
export function parseTimelineHistory(text: string): TimelineSwitch[] {
  return text.split('\n').flatMap((line) => {
    const found = /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(line);
    return found ? [{ timeline: Number(found[1]), switchpoint: parseLsn(found[2] ?? '') }] : [];
  });
}

/** Its name in pg_wal. */
export function historyFile(timeline: number): string {
  return `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
}

/** What a timeline descends from; empty for timeline 1, which has no file. */
export async function readTimelineHistory(pgdata: string, timeline: number): Promise<TimelineSwitch[]> {
  if (timeline === 1) return [];
  return parseTimelineHistory(await readFile(join(pgdata, 'pg_wal', historyFile(timeline)), 'utf8'));
}

/**
 * Where a line left one that it shares its beginnings with and that goes on up to `timeline`; null for one of initdb.
 * Promotions that nobody heard of may stand between the two: the first of them is where they part.
 */
export function leftAt(history: readonly TimelineSwitch[], timeline: number): Lsn | null {
  return (history.find((one) => one.timeline >= timeline) ?? history.at(-1))?.switchpoint ?? null;
}

/**
 * Keeps a promotion here from taking the number of a timeline that another node made and that never came here: Postgres
 * takes the next one after those that it has a history file of. An empty file makes a timeline that nothing descends
 * from, so a standby never follows it.
 */
export async function reserveTimelines(pgdata: string, upTo: number): Promise<void> {
  for (let timeline = 2; timeline <= upTo; timeline++) {
    const path = join(pgdata, 'pg_wal', historyFile(timeline));
    if (readBytes(path) === '') await writeAtomically(path, '');
  }
}

/** Nobody who is on another timeline can follow this one any more, or be rewound to it. Postgres must have made a checkpoint on it. */
export async function disownAncestors(pgdata: string, timeline: number): Promise<void> {
  await writeAtomically(join(pgdata, 'pg_wal', historyFile(timeline)), '');
}

/** Where the WAL of a primary is, and what its timeline descends from. */
export interface WalLine {
  readonly timeline: number;
  readonly lsn: Lsn;
  readonly history: readonly TimelineSwitch[];
}

/** Whether WAL that ends there is a beginning of a primary's: a standby with it can follow that primary. */
export function isOnLine(end: { readonly timeline: number; readonly lsn: Lsn }, line: WalLine): boolean {
  if (end.timeline === line.timeline) return end.lsn <= line.lsn;
  const left = line.history.find(({ timeline }) => timeline === end.timeline);
  return left !== undefined && end.lsn <= left.switchpoint;
}
