import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UserError } from '@pgaf/core/errors';
import { newNodeState, readStateFile, writeStateFile, type KeeperState } from './state-file.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'pgaf-state-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const fresh = newNodeState({
  formation: 'default',
  kind: 'pgsql',
  role: 'node',
  group: 0,
  nodeId: 2,
  name: 'node_2',
  goal: 'wait_standby',
});

const worn: KeeperState = {
  ...fresh,
  systemIdentifier: '7293847293847293847',
  epoch: 3,
  leader: 1,
  promised: 4,
  current: 'prepare_promotion',
  goal: 'prepare_promotion',
  stopped: { belowEpoch: 3, finalLsn: 0x3000148n },
  confirmedSetting: 7,
  tli: 3,
  promoted: { epoch: 2, tli: 2, switchpoint: 0x2000000n },
};

test.each([
  ['of a new node', fresh],
  ['of a worn one', worn],
  ['of one whose leader was given up', { ...worn, leader: null }],
  ['of a node that stopped uncleanly', { ...worn, stopped: { belowEpoch: 9, finalLsn: null } }],
])('the state %s survives the file', (_which, state) => {
  const path = join(folder, 'not', 'there', 'pg_autoctl.state');
  writeStateFile(path, fresh);
  writeStateFile(path, state);
  expect(readStateFile(path)).toEqual(state);
  expect(readdirSync(join(folder, 'not', 'there'))).toEqual(['pg_autoctl.state']);
});

test('no file is no state', () => {
  expect(readStateFile(join(folder, 'pg_autoctl.state'))).toBeNull();
});

test('the file of pg_auto_failover is refused with a hint', () => {
  const path = join(folder, 'pg_autoctl.state');
  const struct = Buffer.alloc(1024);
  struct.writeInt32LE(2, 0);
  writeFileSync(path, struct);
  expect(() => readStateFile(path)).toThrow(UserError);
  expect(() => readStateFile(path)).toThrow(/was written by pg_auto_failover/);
});

test.each([
  ['', /it is not JSON/],
  ['{"version": 1, "for', /it is not JSON/],
  ['[]', /not a JSON object/],
  ['{}', /names no version/],
  ['{"version": 1}', /"stopped" is missing/],
  [JSON.stringify({ ...fresh, version: 1, current: 'leader' }), /"leader", which is no state/],
  [JSON.stringify({ ...fresh, version: 2 }), /written by a newer pgaf/],
])('%s is refused', (content, reason) => {
  const path = join(folder, 'pg_autoctl.state');
  writeFileSync(path, content);
  expect(() => readStateFile(path)).toThrow(reason);
});
