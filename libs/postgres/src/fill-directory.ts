import { mkdir, readFile, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EXIT, UserError } from '@pgaf/core/errors';
import { syncDirectory, writeAtomically } from './atomic-file.js';
import { COMPLETE, DISCARDED, EMPTIED, OF_THE_MOUNT, STAGING } from './data-directory.js';
import { isTablespaceEntry, isWalEntry, NO_PLACES, outsidePlaces, type OutsidePlaces } from './places.js';

/** Last to be moved: without them nothing takes a half-moved directory for a data directory. */
const LAST = ['global', 'PG_VERSION'];
/** Inside STAGING. */
const DATA = 'data';
const PLAN = 'plan.json';
/** Inside STAGING of a place outside of the data directory. */
const CONTENT = 'content';

/** What is written down before anything is touched, so that a filling that was cut off is ended or taken back. */
export interface Plan {
  readonly major: number;
  readonly old: OutsidePlaces;
  readonly fresh: OutsidePlaces;
}

export interface Filling {
  /** The directory itself is never replaced, since it may be a mount point. */
  readonly pgdata: string;
  /** Of Postgres: only its own directories of a tablespace are touched. */
  readonly major: number;
  /** Where the new data have their WAL and tablespaces. */
  readonly fresh?: OutsidePlaces | undefined;
  /** `keep`: the old data stay whole until the new are; `discard`: they go first, to make room. */
  readonly old: 'keep' | 'discard';
}

/** Paths for the new data; none of them exists yet. */
export interface StagedPlaces {
  readonly data: string;
  readonly waldir: string | null;
  /** By the location of the tablespace. */
  readonly tablespaces: ReadonlyMap<string, string>;
}

export function stagedData(pgdata: string): string {
  return join(pgdata, STAGING, DATA);
}

function contentOf(place: string): string {
  return join(place, STAGING, CONTENT);
}

async function listOf(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}

async function has(pgdata: string, marker: string): Promise<boolean> {
  return (await listOf(join(pgdata, STAGING))).includes(marker);
}

async function mark(pgdata: string, marker: string): Promise<void> {
  await writeAtomically(join(pgdata, STAGING, marker), 'yes\n');
}

/** Of a filling that is under way or was cut off; null when there is none. */
export async function planOf(pgdata: string): Promise<Plan | null> {
  const text = await readFile(join(pgdata, STAGING, PLAN), 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as Plan);
}

function outside({ waldir, tablespaces }: OutsidePlaces): string[] {
  return [...(waldir === null ? [] : [waldir]), ...tablespaces];
}

function allOf(plan: Plan): string[] {
  return [...new Set([...outside(plan.old), ...outside(plan.fresh)])];
}

async function removeStaging(pgdata: string, plan: Plan | null): Promise<void> {
  // The one of the data directory last: it knows of the others.
  for (const place of plan ? allOf(plan) : [])
    await rm(join(place, STAGING), { recursive: true, force: true });
  // One after the other: whole data with one of these alone would be taken for given up, or emptied for old ones.
  for (const marker of [DISCARDED, COMPLETE])
    await rm(join(pgdata, STAGING, marker), { recursive: true, force: true });
  await rm(join(pgdata, STAGING), { recursive: true, force: true });
  await syncDirectory(pgdata);
}

async function removeEntries(directory: string, isOld: (name: string) => boolean): Promise<void> {
  for (const name of await listOf(directory)) {
    if (name === OF_THE_MOUNT || name === STAGING || !isOld(name)) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
}

/** Outside of the data directory nothing goes but what Postgres put there. */
async function emptyOld(pgdata: string, { old, major }: Plan): Promise<void> {
  if (old.waldir !== null) await removeEntries(old.waldir, isWalEntry);
  for (const place of old.tablespaces) await removeEntries(place, (name) => isTablespaceEntry(name, major));
  await removeEntries(pgdata, () => true);
  await syncDirectory(pgdata);
}

async function moveUp(from: string, to: string): Promise<void> {
  const entries = await listOf(from);
  const ordered = [
    ...entries.filter((name) => !LAST.includes(name)),
    ...LAST.filter((name) => entries.includes(name)),
  ];
  for (const name of ordered) await rename(join(from, name), join(to, name));
  await syncDirectory(to);
}

async function relink(link: string, target: string): Promise<void> {
  const fresh = `${link}.pgaf-new`;
  await rm(fresh, { force: true });
  await symlink(target, fresh);
  await rename(fresh, link);
}

/** The links of the staged data lead to where their targets will be. */
async function relinkStaged(pgdata: string, { fresh }: Plan): Promise<void> {
  const data = stagedData(pgdata);
  if (fresh.waldir !== null) await relink(join(data, 'pg_wal'), fresh.waldir);
  const directory = join(data, 'pg_tblspc');
  const finals = new Map(fresh.tablespaces.map((place) => [contentOf(place), place]));
  for (const name of await listOf(directory)) {
    const target = await readlink(join(directory, name)).catch(() => null);
    const final = target === null ? undefined : finals.get(resolve(directory, target));
    if (final !== undefined) await relink(join(directory, name), final);
  }
  await syncDirectory(directory);
  await syncDirectory(data);
}

/** Where the data directory has its places, or had them before it was emptied by a filling that was cut off. */
export async function knownPlaces(pgdata: string): Promise<OutsidePlaces> {
  const links = await outsidePlaces(pgdata);
  const before = await planOf(pgdata);
  return {
    waldir: links.waldir ?? before?.old.waldir ?? null,
    tablespaces: [...new Set([...links.tablespaces, ...(before?.old.tablespaces ?? [])])],
  };
}

/**
 * Ends a filling that was interrupted after its copy was complete. `nothing`: there was none to end.
 */
export async function finishFilling(pgdata: string): Promise<'finished' | 'nothing'> {
  if (!(await has(pgdata, COMPLETE))) return 'nothing';
  const plan = (await planOf(pgdata)) ?? { major: 0, old: NO_PLACES, fresh: NO_PLACES };
  if (!(await has(pgdata, EMPTIED))) {
    await emptyOld(pgdata, plan);
    await mark(pgdata, EMPTIED);
  }
  for (const place of outside(plan.fresh)) await moveUp(contentOf(place), place);
  await moveUp(stagedData(pgdata), pgdata);
  await removeStaging(pgdata, plan);
  return 'finished';
}

/** Takes away what a filling that was cut off had made beside old data that are whole. */
export async function abandonFilling(pgdata: string): Promise<void> {
  const entries = await listOf(join(pgdata, STAGING));
  if (entries.length === 0 || entries.includes(COMPLETE) || entries.includes(DISCARDED)) return;
  await removeStaging(pgdata, await planOf(pgdata));
}

/**
 * Lets `fill` make new data beside the old ones, which then take their place, file by file. Interrupted before the new
 * data are complete, the old ones are as they were, unless they are discarded; afterwards `finishFilling` goes on.
 * `fill` must leave what it makes durable.
 */
export async function fillDirectory(
  filling: Filling,
  fill: (staged: StagedPlaces) => Promise<void>,
): Promise<void> {
  const { pgdata, major, fresh = NO_PLACES } = filling;
  const before = await planOf(pgdata);
  const old = await knownPlaces(pgdata);
  const plan: Plan = { major, old, fresh };
  if (before) {
    for (const place of allOf(before)) await rm(join(place, STAGING), { recursive: true, force: true });
  }
  await rm(stagedData(pgdata), { recursive: true, force: true });
  await mkdir(join(pgdata, STAGING), { recursive: true, mode: 0o700 });
  await writeAtomically(join(pgdata, STAGING, PLAN), JSON.stringify(plan));
  await syncDirectory(pgdata);
  for (const place of outside(fresh)) await makePlace(place);
  if (filling.old === 'discard') {
    await mark(pgdata, DISCARDED);
    await emptyOld(pgdata, plan);
  }
  try {
    await fill({
      data: stagedData(pgdata),
      waldir: fresh.waldir === null ? null : contentOf(fresh.waldir),
      tablespaces: new Map(fresh.tablespaces.map((place) => [place, contentOf(place)])),
    });
    await relinkStaged(pgdata, plan);
  } catch (error) {
    await rm(stagedData(pgdata), { recursive: true, force: true });
    for (const place of outside(fresh)) await rm(join(place, STAGING), { recursive: true, force: true });
    await abandonFilling(pgdata);
    throw error;
  }
  await mark(pgdata, COMPLETE);
  await finishFilling(pgdata);
}

async function makePlace(place: string): Promise<void> {
  try {
    await mkdir(join(place, STAGING), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new UserError(`The directory ${place} cannot be used: ${String(cause)}.`, {
      code: 'place-unusable',
      exit: EXIT.badConfiguration,
      hint: 'Make it, empty, and let it belong to the user who runs Postgres.',
      cause,
    });
  }
}
