import { expect, test } from 'vitest';
import {
  isPort,
  whyNoFormationName,
  whyNoHost,
  whyNoNodeName,
  whyNoPostgresName,
  whyNoRegion,
} from './names.js';

test.each(['node_1', 'coord0a', 'db-1.example.org', '1', 'München', '_x', 'a'.repeat(63)])(
  '%s names a node',
  (name) => {
    expect(whyNoNodeName(name)).toBeNull();
    expect(whyNoFormationName(name)).toBeNull();
  },
);

test.each([
  ['', /is empty/],
  ['no de!', /letters, digits/],
  ['-x', /letters, digits/],
  ['.x', /letters, digits/],
  ['a/b', /letters, digits/],
  ["o'brien", /letters, digits/],
  ['a\nb', /control character/],
  ['a'.repeat(64), /longer than 63/],
])('%j names none', (name, why) => {
  expect(whyNoNodeName(name)).toMatch(why);
  expect(whyNoFormationName(name)).toMatch(why);
});

test('a host is named or numbered', () => {
  for (const host of ['db-1.example.org', '10.0.0.1', '::1', 'fe80::1%eth0', 'münchen', 'x'.repeat(253)]) {
    expect(whyNoHost(host)).toBeNull();
  }
  for (const host of ['a b', 'a,b', '"a"', "o'b", 'a/b', 'a@b', 'a\nb', '#a']) {
    expect(whyNoHost(host)).toMatch(/no name of a host/);
  }
  expect(whyNoHost('')).toMatch(/is empty/);
  expect(whyNoHost('x'.repeat(254))).toMatch(/longer than 253 characters/);
});

test('a port is from 1 to 65535', () => {
  expect([1, 5432, 65_535].every(isPort)).toBe(true);
  expect([0, -1, 65_536, 1.5, Number.NaN].some(isPort)).toBe(false);
});

test('a region is any text that fits into a line', () => {
  expect(whyNoRegion("Val d'Oise, rack 7")).toBeNull();
  expect(whyNoRegion('ü'.repeat(63))).toBeNull();
  expect(whyNoRegion('x'.repeat(64))).toMatch(/longer than 63 characters/);
  expect(whyNoRegion(' ')).toMatch(/is empty/);
  expect(whyNoRegion('a\nb')).toMatch(/control character/);
});

test('what Postgres would cut is no name for it', () => {
  expect(whyNoPostgresName('my "app"')).toBeNull();
  expect(whyNoPostgresName('x'.repeat(63))).toBeNull();
  expect(whyNoPostgresName('ü'.repeat(32))).toMatch(/longer than 63 bytes/);
  expect(whyNoPostgresName('')).toMatch(/is empty/);
  expect(whyNoPostgresName('a\tb')).toMatch(/control character/);
});

test('a formation is not called as the monitor is in show uri', () => {
  expect(whyNoNodeName('monitor')).toBeNull();
  expect(whyNoFormationName('monitor')).toMatch(/show uri --formation monitor/);
});
