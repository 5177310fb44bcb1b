import { basename, join } from 'node:path';
import { workspaceRoot } from '@pgaf/testing/workspace';

const LONGEST_NAME = 100;

/** Where the evidence of a failed test is kept: by the names of its file, its suite and itself. */
export function failedTestFolder(file: string, names: readonly string[]): string {
  const folder = names
    .join(' ')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '');
  const kept = join(workspaceRoot(), 'reports', 'failed');
  return join(kept, basename(file, '.test.ts'), folder.slice(0, LONGEST_NAME));
}
