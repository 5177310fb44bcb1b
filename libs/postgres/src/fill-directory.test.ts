import { chmod, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DISCARDED, STAGING, inspectDataDirectory } from './data-directory.js';
import {
  abandonFilling,
  fillDirectory,
  finishFilling,
  knownPlaces,
  type StagedPlaces,
} from './fill-directory.js';
import { removeDataDirectory } from './remove-data-directory.js';
import { temporaryDirectory } from './testing/servers.js';

const SEGMENT = '000000010000000000000001';
let root = '';
const at = (...names: string[]): string => join(root, ...names);
const pgdata = (): string => at('data');

/** A data directory with WAL and a tablespace elsewhere; `mark` tells one from the next. */
async function lay(data: string, waldir: string, location: string, mark: string): Promise<void> {
  for (const path of [join(data, 'global'), join(data, 'pg_tblspc'), waldir, join(location, 'PG_15_1')])
    await mkdir(path, { recursive: true });
  await writeFile(join(data, 'PG_VERSION'), '15\n');
  await writeFile(join(data, 'global', 'pg_control'), mark);
  await writeFile(join(data, `only-${mark}`), '');
  await writeFile(join(waldir, SEGMENT), mark);
  await writeFile(join(location, 'PG_15_1', 'table'), mark);
  await symlink(waldir, join(data, 'pg_wal'));
  await symlink(location, join(data, 'pg_tblspc', '16384'));
}

const plan = (old: 'keep' | 'discard') => ({
  pgdata: pgdata(),
  major: 15,
  old,
  fresh: { waldir: at('wal'), tablespaces: [at('space')] },
});

const layFresh = async ({ data, waldir, tablespaces }: StagedPlaces): Promise<void> =>
  lay(data, waldir ?? '', tablespaces.get(at('space')) ?? '', 'fresh');

/** What Postgres would find, and what of others is there. */
async function seen(): Promise<unknown> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => null);
  return {
    kind: await inspectDataDirectory(pgdata()),
    control: await read(join(pgdata(), 'global', 'pg_control')),
    wal: await read(join(pgdata(), 'pg_wal', SEGMENT)),
    table: await read(join(pgdata(), 'pg_tblspc', '16384', 'PG_15_1', 'table')),
    links: [
      await readlink(join(pgdata(), 'pg_wal')).catch(() => null),
      await readlink(join(pgdata(), 'pg_tblspc', '16384')).catch(() => null),
    ],
    others: [await read(at('wal', 'notes.txt')), await read(at('space', 'PG_14_1', 'table'))],
    mount: (await readdir(pgdata())).includes('lost+found'),
  };
}

const whole = (mark: string) => ({
  kind: 'initialized',
  control: mark,
  wal: mark,
  table: mark,
  links: [at('wal'), at('space')],
  others: ['mine', 'of another version'],
  mount: true,
});

beforeEach(async () => {
  root = await temporaryDirectory();
  await lay(pgdata(), at('wal'), at('space'), 'old');
  await mkdir(join(pgdata(), 'lost+found'));
  await writeFile(at('wal', 'notes.txt'), 'mine');
  await mkdir(at('space', 'PG_14_1'));
  await writeFile(at('space', 'PG_14_1', 'table'), 'of another version');
});

afterEach(() => rm(root, { recursive: true }));

test.each(['keep', 'discard'] as const)(
  'new data take the place of the old ones everywhere: %s',
  async (old) => {
    await fillDirectory(plan(old), async (staged) => {
      expect(((await seen()) as { control: unknown }).control).toBe(old === 'keep' ? 'old' : null);
      await layFresh(staged);
    });
    expect(await seen()).toEqual(whole('fresh'));
    expect((await readdir(pgdata())).sort()).toEqual([
      'PG_VERSION',
      'global',
      'lost+found',
      'only-fresh',
      'pg_tblspc',
      'pg_wal',
    ]);
    for (const place of ['wal', 'space']) expect(await readdir(at(place))).not.toContain(STAGING);
  },
);

test('a filling that fails leaves the old data as they were', async () => {
  const failing = fillDirectory(plan('keep'), async (staged) => {
    await layFresh(staged);
    throw new Error('no space left on device');
  });
  await expect(failing).rejects.toThrow('no space left');
  expect(await seen()).toEqual(whole('old'));
  for (const place of ['data', 'wal', 'space']) expect(await readdir(at(place))).not.toContain(STAGING);
});

/** As kill -9 leaves it: the staged data and what the plan says, and no more. */
async function cutOff(markers: readonly string[]): Promise<void> {
  const staged = {
    data: join(pgdata(), STAGING, 'data'),
    waldir: at('wal', STAGING, 'content'),
    tablespaces: new Map([[at('space'), at('space', STAGING, 'content')]]),
  };
  await layFresh(staged);
  const places = { waldir: at('wal'), tablespaces: [at('space')] };
  await writeFile(
    join(pgdata(), STAGING, 'plan.json'),
    JSON.stringify({ major: 15, old: places, fresh: places }),
  );
  for (const marker of markers) await writeFile(join(pgdata(), STAGING, marker), '');
  if (markers.includes('complete')) {
    await rm(join(staged.data, 'pg_wal'));
    await symlink(at('wal'), join(staged.data, 'pg_wal'));
    await rm(join(staged.data, 'pg_tblspc', '16384'));
    await symlink(at('space'), join(staged.data, 'pg_tblspc', '16384'));
  }
}

test('cut off before the new data are complete, the old ones are as good as before', async () => {
  await cutOff([]);
  expect(await seen()).toEqual(whole('old'));
  expect(await finishFilling(pgdata())).toBe('nothing');
  await abandonFilling(pgdata());
  expect(await seen()).toEqual(whole('old'));
  for (const place of ['data', 'wal', 'space']) expect(await readdir(at(place))).not.toContain(STAGING);
});

test.each([0, 1, 2, 3])(
  'cut off among the old data, %i of them gone, it goes on to the new ones',
  async (gone) => {
    await cutOff(['complete']);
    const old = [join(pgdata(), 'pg_wal'), join(pgdata(), 'PG_VERSION'), at('space', 'PG_15_1')];
    for (const path of old.slice(0, gone)) await rm(path, { recursive: true });
    expect(await inspectDataDirectory(pgdata())).toBe('unfinished');
    expect(await finishFilling(pgdata())).toBe('finished');
    expect(await seen()).toEqual(whole('fresh'));
  },
);

test('cut off while it clears up, what it has filled is not taken for data that were given up', async () => {
  const marker = at('data', STAGING, DISCARDED);
  const filling = fillDirectory(plan('discard'), async (staged) => {
    await layFresh(staged);
    await rm(marker);
    await mkdir(marker);
    await writeFile(join(marker, 'file'), '');
    await chmod(marker, 0o500);
  });
  await expect(filling).rejects.toThrow('EACCES');
  await chmod(marker, 0o700);
  expect(await finishFilling(pgdata())).toBe('finished');
  expect(await seen()).toEqual(whole('fresh'));
  expect(await readdir(pgdata())).not.toContain(STAGING);
});

test('cut off among the new data, it goes on to the last of them', async () => {
  await fillDirectory(plan('keep'), layFresh);
  // Moved but for the last ones.
  await mkdir(join(pgdata(), STAGING, 'data'), { recursive: true });
  await writeFile(join(pgdata(), STAGING, 'data', 'PG_VERSION'), '15\n');
  await rm(join(pgdata(), 'PG_VERSION'));
  for (const marker of ['complete', 'emptied']) await writeFile(join(pgdata(), STAGING, marker), '');
  expect(await inspectDataDirectory(pgdata())).toBe('unfinished');
  expect(await finishFilling(pgdata())).toBe('finished');
  expect(await seen()).toEqual(whole('fresh'));
});

test('data that were given up are found again by the plan, though their links are gone', async () => {
  const failing = fillDirectory(plan('discard'), () => Promise.reject(new Error('source lost')));
  await expect(failing).rejects.toThrow('source lost');
  expect(await inspectDataDirectory(pgdata())).toBe('unfinished');
  expect(await readdir(at('wal'))).toEqual(['notes.txt']);
  expect(await knownPlaces(pgdata())).toEqual({ waldir: at('wal'), tablespaces: [at('space')] });
  await fillDirectory(plan('keep'), layFresh);
  expect(await seen()).toEqual(whole('fresh'));
});

test('removed, nothing of it is left anywhere, and what others have there stays', async () => {
  expect(await removeDataDirectory(pgdata())).toEqual([at('wal'), pgdata()]);
  expect(await readdir(pgdata())).toEqual(['lost+found']);
  expect(await readdir(at('wal'))).toEqual(['notes.txt']);
  expect(await readdir(at('space'))).toEqual(['PG_14_1']);
  expect(await removeDataDirectory(at('never'))).toEqual([]);
});
