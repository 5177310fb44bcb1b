import { expect, test } from 'vitest';
import { factsOf, type Knowledge } from './facts.js';
import { newNodeState } from './state-file.js';

const node = {
  ...newNodeState({
    formation: 'default',
    kind: 'pgsql',
    role: 'node',
    group: 0,
    nodeId: 2,
    name: 'node_2',
    goal: 'prepare_promotion',
  }),
  epoch: 1,
  promised: 2,
};
const known: Knowledge = {
  postgresAlive: true,
  streams: [],
  upstream: null,
  noWalFrom: [],
  hangs: false,
  doomed: false,
  leaseAsLeader: 4000,
  leaving: false,
  abandoned: null,
  waitingFor: null,
  overriddenSetting: null,
  warnings: null,
  lease: null,
  quietFor: null,
  said: {},
};

test('a promise is told from when it was measured until its epoch has come', () => {
  const promise = { epoch: 2, tli: 1, lsn: 7n };
  expect(factsOf(node, known).promise).toBeUndefined();
  expect(factsOf({ ...node, promise }, known).promise).toEqual(promise);
  expect(factsOf({ ...node, promise, epoch: 2 }, known).promise).toBeUndefined();
  expect(factsOf({ ...node, promise, epoch: 2, promised: 3 }, known).promise).toBeUndefined();
});

test('until it is measured, it is told what the promise will be for', () => {
  const promise = { epoch: 2, tli: 1, lsn: 7n };
  expect(factsOf(node, known).promising).toBe(2);
  expect(factsOf({ ...node, promise }, known).promising).toBeUndefined();
  expect(factsOf({ ...node, promise, epoch: 2, promised: 3 }, known).promising).toBe(3);
  expect(factsOf({ ...node, promise: null, epoch: 2 }, known).promising).toBeUndefined();
});

test('to whom the epoch was given is told, nobody included, once an order has said it', () => {
  expect(factsOf(node, known)).not.toHaveProperty('leader');
  expect(factsOf({ ...node, leader: 1 }, known).leader).toBe(1);
  expect(factsOf({ ...node, leader: null }, known).leader).toBeNull();
});
