import { expect, test } from 'vitest';
import { channelOf, parseStateNotification } from './notifications.js';

const payload =
  '{"type": "state", "formation": "default", "groupId": 0, "nodeId": 1, "name": "node_1", "host": "127.0.0.1", ' +
  '"port": 5501, "reportedState": "wait_primary", "goalState": "primary", "health":"good"}';

test('a formation has the channel that the schema of the monitor gives it', () => {
  expect(channelOf('default')).toBe('formation_37a8eec1ce19687d132fe29051dca629');
});

test('a payload of the monitor is read', () => {
  expect(parseStateNotification(payload)).toEqual({
    formation: 'default',
    group: 0,
    nodeId: 1,
    name: 'node_1',
    host: '127.0.0.1',
    port: 5501,
    reported: 'wait_primary',
    goal: 'primary',
    health: 'good',
  });
});

test.each([
  '',
  'null',
  '[]',
  '{"type": "log"}',
  payload.replace('"primary"', '"leader"'),
  payload.replace('5501', '"5501"'),
  payload.replace('"good"', '"fine"'),
  payload.slice(0, -1),
])('%s is none', (text) => {
  expect(parseStateNotification(text)).toBeNull();
});
