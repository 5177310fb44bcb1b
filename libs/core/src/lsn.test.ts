import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLsn, maxLsn, parseLsn } from './lsn.js';

test('an LSN survives printing and reading', () => {
  fc.assert(fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (lsn) => parseLsn(formatLsn(lsn)) === lsn));
});

test('it is printed as Postgres prints it', () => {
  expect(formatLsn(0x3000148n)).toBe('0/3000148');
  expect(formatLsn((0x1an << 32n) | 0xffn)).toBe('1A/FF');
  expect(maxLsn(1n, 3n, 2n)).toBe(3n);
});

test.each(['', '0', '0/', '0/123456789', 'x/1', '0/3000148 '])('"%s" is refused', (text) => {
  expect(() => parseLsn(text)).toThrow(RangeError);
});
