import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { setPlainModes } from '../../../docker/plain-modes.mjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgaf-plain-modes-'));
  mkdirSync(join(folder, 'pgaf/bin'), { recursive: true });
  writeFileSync(join(folder, 'node.ini'), '');
  writeFileSync(join(folder, 'pgaf/bin/run.js'), '');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mode = (path: string): number => statSync(join(folder, path)).mode & 0o7777;

it.each([
  ['002', 0o775, 0o664],
  ['077', 0o700, 0o600],
])('gives files of a checkout by umask %s the modes of a package', (_, folders, files) => {
  for (const path of ['pgaf', 'pgaf/bin']) chmodSync(join(folder, path), folders);
  for (const path of ['node.ini', 'pgaf/bin/run.js']) chmodSync(join(folder, path), files);
  setPlainModes(folder, ['run.js']);
  expect(['.', 'pgaf', 'pgaf/bin', 'pgaf/bin/run.js'].map(mode)).toEqual([0o755, 0o755, 0o755, 0o755]);
  expect(mode('node.ini')).toBe(0o644);
});
