import { relative } from 'node:path';
import { workspaceRoot } from '@pgaf/testing/workspace';
import { expect, it } from 'vitest';
import { failedTestFolder } from './failed-test-folder.js';

it('names the folder of a failed test after its file, its suite and itself', () => {
  const folder = failedTestFolder('src/lost-node.test.ts', [
    'a node',
    'is lost: `kill -9 $!`, and comes back',
  ]);
  expect(relative(workspaceRoot(), folder)).toBe(
    'reports/failed/lost-node/a-node-is-lost-kill-9-and-comes-back',
  );
});
