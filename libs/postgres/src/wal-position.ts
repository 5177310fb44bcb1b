import { open, readdir } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import type { Lsn } from '@pgaf/core/lsn';
import { historyFile } from './timeline-history.js';

/** What positions in the WAL are counted by; from pg_control. */
export interface WalGeometry {
  /** Bytes of a segment file. */
  readonly segmentSize: number;
  /** Bytes of a page, each of which begins with a header. */
  readonly blockSize: number;
}

const ALIGNMENT = 8n;
/** XLogPageHeaderData and XLogLongPageHeaderData (the first page of a segment), access/xlog_internal.h. */
const SHORT_HEADER = 24n;
const LONG_HEADER = 40n;

function hex8(value: bigint): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}

export function walFileName(timeline: number, lsn: Lsn, segmentSize: number): string {
  const segment = lsn / BigInt(segmentSize);
  const perId = 0x1_0000_0000n / BigInt(segmentSize);
  return hex8(BigInt(timeline)) + hex8(segment / perId) + hex8(segment % perId);
}

/**
 * The highest timeline that the local WAL is on; 0 without any. A standby has files of a timeline before it tells
 * anybody that it received something of it; pg_control learns of it later. It receives the history first: a segment
 * without one is what a promotion left that was cut off before it had begun a timeline.
 */
export async function timelineOfFiles(pgdata: string): Promise<number> {
  const names = new Set(await readdir(join(pgdata, 'pg_wal')));
  const written = [...names]
    .filter((name) => /^[0-9A-F]{24}$/.test(name))
    .map((name) => parseInt(name.slice(0, 8), 16));
  return Math.max(0, ...written.filter((timeline) => timeline === 1 || names.has(historyFile(timeline))));
}

/** Where the segment of a file begins. */
export function walFileStart(name: string, segmentSize: number): Lsn {
  const perId = 0x1_0000_0000n / BigInt(segmentSize);
  const segment = BigInt(`0x${name.slice(8, 16)}`) * perId + BigInt(`0x${name.slice(16, 24)}`);
  return segment * BigInt(segmentSize);
}

/**
 * Where a record of `length` bytes that begins at `start` ends, counted as Postgres does: rounded up to eight
 * bytes, plus the header of each page that it goes on in.
 */
export function recordEnd(start: Lsn, length: number, { segmentSize, blockSize }: WalGeometry): Lsn {
  const page = BigInt(blockSize);
  let at = start;
  let left = (BigInt(length) + ALIGNMENT - 1n) & ~(ALIGNMENT - 1n);
  for (;;) {
    const room = page - (at % page);
    if (left <= room) return at + left;
    left -= room;
    at += room;
    at += at % BigInt(segmentSize) === 0n ? LONG_HEADER : SHORT_HEADER;
  }
}

/** The end of the record that begins at `start`, by its length field, which leads it and never crosses a page. */
export async function endOfRecordAt(
  pgdata: string,
  timeline: number,
  start: Lsn,
  geometry: WalGeometry,
): Promise<Lsn> {
  const path = join(pgdata, 'pg_wal', walFileName(timeline, start, geometry.segmentSize));
  const file = await open(path, 'r');
  try {
    const position = Number(start % BigInt(geometry.segmentSize));
    const { buffer } = await file.read({ buffer: Buffer.alloc(4), position });
    const length = endianness() === 'LE' ? buffer.readUInt32LE() : buffer.readUInt32BE();
    return recordEnd(start, length, geometry);
  } finally {
    await file.close();
  }
}
