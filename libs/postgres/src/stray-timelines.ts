import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from './atomic-file.js';
import { readControlData, type ControlData } from './control-data.js';
import { historyFile, parseTimelineHistory, type TimelineSwitch, type WalLine } from './timeline-history.js';

/** What a data directory knows of timelines. */
export interface LocalTimelines {
  /** The last one that pg_control has heard of. */
  readonly timeline: number;
  /** Of each history file in pg_wal: what that timeline descends from. */
  readonly histories: ReadonlyMap<number, readonly TimelineSwitch[]>;
  /** The timelines that have a segment in pg_wal. */
  readonly written: ReadonlySet<number>;
}

const WAL_FILE = /^([0-9A-F]{8})(?:\.history|[0-9A-F]{16})(?:\..*)?$/;

function timelineOf(name: string): number | null {
  const found = WAL_FILE.exec(name);
  return found ? parseInt(found[1] ?? '', 16) : null;
}

/** @throws ProgramError when pg_control cannot be read. */
export async function readLocalTimelines(bindir: string, pgdata: string): Promise<LocalTimelines> {
  return localTimelinesOf(pgdata, await readControlData(bindir, pgdata));
}

/** The same where pg_control was read already. */
export async function localTimelinesOf(pgdata: string, control: ControlData): Promise<LocalTimelines> {
  const directory = join(pgdata, 'pg_wal');
  const histories = new Map<number, readonly TimelineSwitch[]>([[1, []]]);
  const written = new Set<number>();
  for (const name of await readdir(directory)) {
    const timeline = timelineOf(name);
    if (timeline === null) continue;
    if (!name.endsWith('.history')) written.add(timeline);
    else histories.set(timeline, parseTimelineHistory(await readFile(join(directory, name), 'utf8')));
  }
  return { timeline: Math.max(control.timeline, control.minRecoveryTimeline), histories, written };
}

/** What a primary knows a timeline to descend from; undefined when its own does not descend from that one. */
function historyAt(timeline: number, { timeline: last, history }: WalLine) {
  if (timeline === last) return history;
  const index = history.findIndex((one) => one.timeline === timeline);
  return index < 0 ? undefined : history.slice(0, index);
}

function areSame(one: readonly TimelineSwitch[], other: readonly TimelineSwitch[]): boolean {
  return (
    one.length === other.length &&
    one.every(
      ({ timeline, switchpoint }, at) =>
        timeline === other[at]?.timeline && switchpoint === other[at].switchpoint,
    )
  );
}

/**
 * The timelines after that of pg_control that have files here and are not the primary's, the latest first. A promotion
 * that was cut off leaves such; the primary may have made one of the same number elsewhere. Postgres goes by the files
 * that it finds, and never asks for those again.
 */
export function strayTimelines(local: LocalTimelines, source: WalLine): number[] {
  const later = new Set([...local.histories.keys(), ...local.written]);
  return [...later]
    .filter((timeline) => timeline > local.timeline)
    .filter((timeline) => {
      const ours = local.histories.get(timeline);
      const theirs = historyAt(timeline, source);
      // Segments are only ever received after the history.
      return ours === undefined || theirs === undefined || !areSame(ours, theirs);
    })
    .sort((a, b) => b - a);
}

/**
 * True when the timeline of pg_control is none that the primary's descends from: another one, or one of the same number
 * that was made elsewhere.
 */
export function isOnAnotherLine({ timeline, histories }: LocalTimelines, source: WalLine): boolean {
  const theirs = historyAt(timeline, source);
  if (theirs === undefined) return true;
  const ours = histories.get(timeline);
  return ours !== undefined && !areSame(ours, theirs);
}

/** Removes all that pg_wal has of these timelines; cut off, the rest is found again by `strayTimelines`. */
export async function removeTimelines(pgdata: string, timelines: readonly number[]): Promise<void> {
  const directory = join(pgdata, 'pg_wal');
  for (const timeline of timelines) {
    // First: a history without its segments leads a standby to where there is nothing; they without it lead nowhere.
    await rm(join(directory, historyFile(timeline)), { force: true });
    await syncDirectory(directory);
    for (const place of [directory, join(directory, 'archive_status')]) {
      const names = await readdir(place).catch((): string[] => []);
      for (const name of names) if (timelineOf(name) === timeline) await rm(join(place, name));
    }
  }
  await syncDirectory(directory);
}
