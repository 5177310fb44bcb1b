import { lstat, readdir, readlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** Where a data directory keeps what is not inside it. Absolute paths. */
export interface OutsidePlaces {
  /** Where `pg_wal` leads to; null when it is a directory like the others. */
  readonly waldir: string | null;
  /** Locations of tablespaces, as CREATE TABLESPACE had them. */
  readonly tablespaces: readonly string[];
}

export const NO_PLACES: OutsidePlaces = { waldir: null, tablespaces: [] };

async function targetOf(directory: string, name: string): Promise<string[]> {
  try {
    return [resolve(directory, await readlink(join(directory, name)))];
  } catch {
    return [];
  }
}

/** As the links say; none where there is no data directory. */
export async function outsidePlaces(pgdata: string): Promise<OutsidePlaces> {
  const [waldir = null] = await targetOf(pgdata, 'pg_wal');
  return { waldir, tablespaces: [...(await tablespaceLinks(pgdata)).values()] };
}

/** Where its tablespaces are, by their OIDs, which all nodes share. */
export async function tablespaceLinks(pgdata: string): Promise<ReadonlyMap<string, string>> {
  const directory = join(pgdata, 'pg_tblspc');
  const names = await readdir(directory).catch((): string[] => []);
  const links = await Promise.all(
    names.map(async (oid) => (await targetOf(directory, oid)).map((target) => [oid, target] as const)),
  );
  return new Map(links.flat());
}

/** Segments, histories, and what Postgres keeps beside them in `pg_wal`. */
const WAL_ENTRY = /^([0-9A-F]{24}(\..*)?|[0-9A-F]{8}\.history|archive_status|summaries|xlogtemp\.\d+)$/;

export function isWalEntry(name: string): boolean {
  return WAL_ENTRY.test(name);
}

/** In a tablespace's location each major version has a directory of its own: others may be another cluster's. */
export function isTablespaceEntry(name: string, major: number): boolean {
  return new RegExp(`^PG_${major}_\\d+$`).test(name);
}

/** Bytes of all files below a directory, links not followed; 0 when there is none. */
export async function sizeOfTree(path: string): Promise<number> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  let sum = 0;
  for (const entry of entries) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) sum += await sizeOfTree(child);
    else sum += (await lstat(child).catch(() => null))?.size ?? 0;
  }
  return sum;
}
