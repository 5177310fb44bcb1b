import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathsFor } from '@pgaf/config/paths';
import type { Logger } from '@pgaf/logging/logger';
import { afterAll, expect, test } from 'vitest';
import { destroyFiles } from './destroy-files.js';

const quiet = { log: { info: () => {}, warn: () => {} } as unknown as Logger };
const directory = mkdtempSync(join(tmpdir(), 'pgaf-destroy-'));
afterAll(() => rmSync(directory, { recursive: true }));

test('a removal that is cut off leaves the configuration, by which it is found when it is typed again', async () => {
  const at = (name: string): string => join(directory, name);
  const env = { HOME: directory, XDG_CONFIG_HOME: at('config'), XDG_DATA_HOME: at('share') };
  const paths = pathsFor(at('data'), env);
  mkdirSync(join(paths.config, '..'), { recursive: true });
  writeFileSync(paths.config, '');
  writeFileSync(at('file'), '');
  // Below a file there is no folder, so this cannot be removed.
  const state = join(at('file'), 'folder', 'pg_autoctl.state');
  await expect(destroyFiles({ ...paths, state }, quiet)).rejects.toThrow(/ENOTDIR/);
  expect(existsSync(paths.config)).toBe(true);
  await destroyFiles(paths, quiet);
  expect(existsSync(paths.config)).toBe(false);
});

test('a removal that was cut off between two folders leaves none of ours when it is typed again', async () => {
  const at = (name: string): string => join(directory, 'between', name);
  const env = { HOME: at('home'), XDG_CONFIG_HOME: at('config'), XDG_DATA_HOME: at('share') };
  const paths = pathsFor(at('node/data'), env);
  mkdirSync(join(paths.config, '..'), { recursive: true });
  mkdirSync(join(paths.state, '../../..'), { recursive: true });
  await destroyFiles(paths, quiet);
  expect(existsSync(at('share/pg_autoctl'))).toBe(false);
  expect(existsSync(at('config/pg_autoctl'))).toBe(false);
});
