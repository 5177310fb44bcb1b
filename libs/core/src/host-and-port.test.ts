import { expect, test } from 'vitest';
import { hostAndPort } from './host-and-port.js';

test('an address that has colons stands in brackets before its port', () => {
  expect(hostAndPort('db1', 5432)).toBe('db1:5432');
  expect(hostAndPort('10.0.0.1', 5432)).toBe('10.0.0.1:5432');
  expect(hostAndPort('::1', 5432)).toBe('[::1]:5432');
});
