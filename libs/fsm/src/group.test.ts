import { expect, test } from 'vitest';
import { designate } from './group.js';

test('a node is named with an address that can be told from its port', () => {
  const node = { id: 2, name: 'b', host: '10.0.0.2', port: 5432 };
  expect(designate(node)).toBe('node 2 "b" (10.0.0.2:5432)');
  expect(designate({ ...node, host: 'fd00::2' })).toBe('node 2 "b" ([fd00::2]:5432)');
});
