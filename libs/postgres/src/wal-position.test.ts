import { parseLsn } from '@pgaf/core/lsn';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { recordEnd, timelineOfFiles, walFileName, walFileStart } from './wal-position.js';

const GEOMETRY = { segmentSize: 16 << 20, blockSize: 8192 };

test.each([
  ['0/3000028', 114, '0/30000A0'],
  ['0/3001FA0', 96, '0/3002000'],
  // Over a page's end: eight bytes fit, the rest follows the next page's short header.
  ['0/3001FF8', 114, '0/3002088'],
  // Over a segment's end: a long header.
  ['0/3FFFFF8', 114, '0/4000098'],
])('a record at %s of %i bytes ends at %s', (start, length, end) => {
  expect(recordEnd(parseLsn(start), length, GEOMETRY)).toBe(parseLsn(end));
});

test('segments have names', () => {
  expect(walFileName(2, parseLsn('1/3000028'), 16 << 20)).toBe('000000020000000100000003');
  expect(walFileStart('000000020000000100000003', 16 << 20)).toBe(parseLsn('1/3000000'));
});

test('a segment of a timeline without its history is what a promotion left that was cut off', async () => {
  const pgdata = mkdtempSync(join(tmpdir(), 'pgaf-wal-'));
  onTestFinished(() => rmSync(pgdata, { recursive: true }));
  mkdirSync(join(pgdata, 'pg_wal'));
  const add = (name: string) => writeFileSync(join(pgdata, 'pg_wal', name), '');
  expect(await timelineOfFiles(pgdata)).toBe(0);
  add('000000010000000000000003');
  add('000000020000000000000003');
  expect(await timelineOfFiles(pgdata)).toBe(1);
  add('00000002.history');
  expect(await timelineOfFiles(pgdata)).toBe(2);
  // Reserved, and nothing of it received.
  add('00000003.history');
  expect(await timelineOfFiles(pgdata)).toBe(2);
});
