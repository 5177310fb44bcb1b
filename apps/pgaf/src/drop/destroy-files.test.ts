import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathsFor } from '@pgaf/config/paths';
import type { Logger } from '@pgaf/logging/logger';
import { afterAll, expect, test } from 'vitest';
import type { CommandContext } from '../command-spec.js';
import { destroyFiles, removeFoldersLeftEmpty } from './destroy-files.js';
import { dropMonitor } from './drop-monitor.js';
import { dropNode } from './drop-node.js';

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

test.each([
  ['node', dropNode],
  ['monitor', dropMonitor],
] as const)(
  'a removal of a %s that was cut off after its configuration had gone is ended when it is typed again',
  async (what, drop) => {
    const at = (name: string): string => join(directory, 'without configuration', what, name);
    const env = { HOME: at('home'), XDG_CONFIG_HOME: at('config'), XDG_DATA_HOME: at('share') };
    const paths = pathsFor(at('data'), env);
    mkdirSync(join(paths.config, '../..'), { recursive: true });
    mkdirSync(join(paths.state, '../../..'), { recursive: true });
    const context = { ...quiet, env, resolvePath: (path: string) => path } as unknown as CommandContext;
    const flags = { pgdata: at('data'), destroy: true, force: false, wait: 60, 'no-wait': false };
    await drop(flags, context).catch((error: unknown) =>
      expect(error).toMatchObject({ code: 'no-configuration' }),
    );
    expect(existsSync(at('config/pg_autoctl'))).toBe(false);
    expect(existsSync(at('share/pg_autoctl'))).toBe(false);
    expect(existsSync(at('config'))).toBe(true);
  },
);

test('what has a file in it stays, whoever has typed which directory', async () => {
  const at = (name: string): string => join(directory, 'of another', name);
  const env = { HOME: at('home'), XDG_CONFIG_HOME: at('config'), XDG_DATA_HOME: at('share') };
  const other = pathsFor(at('nodes/other'), env);
  mkdirSync(join(other.config, '..'), { recursive: true });
  writeFileSync(other.config, '');
  removeFoldersLeftEmpty(pathsFor(at('nodes/mistyped'), env));
  removeFoldersLeftEmpty(pathsFor(at('nodes'), env));
  expect(existsSync(other.config)).toBe(true);
});
