import { parseLsn } from '@pgaf/core/lsn';
import { expect, test } from 'vitest';
import { recordEnd, walFileName, walFileStart } from './wal-position.js';

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
