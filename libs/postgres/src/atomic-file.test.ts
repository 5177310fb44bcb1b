import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bytesOf, readBytes, writeAtomically } from './atomic-file.js';
import { SETTINGS_FILES } from './settings.js';
import { hasStandbySignal, writeStandbyMode } from './standby.js';
import { temporaryDirectory } from './testing/servers.js';

async function directory(): Promise<string> {
  const path = await temporaryDirectory();
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

test('a file is replaced as a whole, and left alone when it says the same', async () => {
  const folder = await directory();
  const path = join(folder, 'some.conf');
  expect(readBytes(path)).toBe('');
  expect(await writeAtomically(path, bytesOf('größe = 1\n'))).toBe('changed');
  const before = await stat(path);
  expect(before.mode & 0o777).toBe(0o600);
  expect(await writeAtomically(path, bytesOf('größe = 1\n'))).toBe('unchanged');
  expect((await stat(path)).ino).toBe(before.ino);
  expect(await writeAtomically(path, bytesOf('größe = 2\n'))).toBe('changed');
  expect(await readFile(path, 'utf8')).toBe('größe = 2\n');
  expect(await readdir(folder)).toEqual(['some.conf']);
});

test('what a writer that was killed has left is in nobody’s way, and lends the file no mode', async () => {
  const folder = await directory();
  const left = join(folder, '.some.conf.pgaf-new');
  await writeFile(left, 'half of');
  await chmod(left, 0o666);
  await writeAtomically(join(folder, 'some.conf'), 'all of it');
  expect(await readFile(join(folder, 'some.conf'), 'utf8')).toBe('all of it');
  expect((await stat(join(folder, 'some.conf'))).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['some.conf']);
});

test('what is to follow nobody yet is a standby before its settings are written', async () => {
  const pgdata = await directory();
  await mkdir(join(pgdata, SETTINGS_FILES.standby));
  await expect(writeStandbyMode(pgdata, 1, undefined)).rejects.toThrow(/EISDIR/);
  expect(hasStandbySignal(pgdata)).toBe(true);
});
