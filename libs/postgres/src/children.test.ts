import { expect, test } from 'vitest';
import { roleOf } from './children.js';

test.each([
  ['postgres: logger ', 'logger'],
  ['postgres: 15/main: logger ', 'logger'],
  [
    'postgres: logger: walsender rep 127.0.0.1(4711) streaming 0/1',
    'walsender rep 127.0.0.1(4711) streaming 0/1',
  ],
  ['postgres: checkpointer x: walwriter ', 'walwriter'],
  [
    'postgres: a: b: checkpointer performing shutdown checkpoint',
    'checkpointer performing shutdown checkpoint',
  ],
  ['postgres: walsender rep ::1(4711) streaming 0/1', 'walsender rep ::1(4711) streaming 0/1'],
])('the role of %j stands behind its cluster_name', (title, role) => {
  expect(roleOf(title)).toBe(role);
});

test.each(['', '/usr/lib/postgresql/15/bin/postgres -D /data: logger'])('%j has no role', (title) => {
  expect(roleOf(title)).toBeNull();
});
