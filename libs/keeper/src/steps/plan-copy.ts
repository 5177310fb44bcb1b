import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { EXIT, UserError } from '@pgaf/core/errors';
import { OF_THE_MOUNT, STAGING } from '@pgaf/postgres/data-directory';
import { knownPlaces } from '@pgaf/postgres/fill-directory';
import { sizeOfTree, tablespaceLinks, type OutsidePlaces } from '@pgaf/postgres/places';
import { requireRoom, type Demand } from '@pgaf/postgres/room';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Peer } from '@pgaf/monitor-client/reports';
import type { NodeConfig } from '../node-config.js';
import { withSource, type SourceClient } from './source-connection.js';

interface Tablespace {
  readonly oid: string;
  /** On the source. */
  readonly location: string;
}

/** How large the source is, bytes. */
interface SourceSizes {
  readonly data: number;
  /** What a node usually has; WAL that slots hold back for others is not copied. */
  readonly wal: number;
  readonly tablespaces: readonly (Tablespace & { readonly bytes: number })[];
}

/** What was decided before a copy begins. */
export interface CopyPlan {
  readonly waldir: string | null;
  /** Locations here, by those of the source. */
  readonly tablespaces: ReadonlyMap<string, string>;
  readonly old: 'keep' | 'discard';
}

const TABLESPACES = `
SELECT oid::text, pg_tablespace_location(oid) AS location
  FROM pg_tablespace WHERE pg_tablespace_location(oid) LIKE '/%' ORDER BY oid`;

async function tablespacesOf(client: SourceClient): Promise<readonly Tablespace[]> {
  return (await client.query<{ oid: string; location: string }>(TABLESPACES)).rows;
}

/** Postgres looks at each file for it. */
async function sizesOf(client: SourceClient): Promise<SourceSizes> {
  const sizes = await client.query<{ data: string; wal: string }>(
    `SELECT pg_tablespace_size('pg_default') + pg_tablespace_size('pg_global') AS data,
            (SELECT least(coalesce(sum(size), 0), pg_size_bytes(current_setting('max_wal_size')))
               FROM pg_ls_waldir()) AS wal`,
  );
  const { rows } = await client.query<{ oid: string; location: string; bytes: string }>(
    `SELECT oid, location, pg_tablespace_size(oid::oid) AS bytes FROM (${TABLESPACES}) AS elsewhere`,
  );
  return {
    data: Number(sizes.rows[0]?.data),
    wal: Number(sizes.rows[0]?.wal),
    tablespaces: rows.map(({ bytes, ...one }) => ({ ...one, bytes: Number(bytes) })),
  };
}

/**
 * Looks, before anything is touched, whether a copy of the leader has a place here.
 * @throws UserError `no-room`, `tablespace-shared`, `tablespace-not-empty`; PgafError when the leader does not answer.
 */
export async function planCopy(
  config: NodeConfig,
  leader: Peer,
  here: 'whole' | 'useless',
  signal: AbortSignal,
): Promise<CopyPlan> {
  const { pgdata } = config;
  const source = await withSource(config, leader, signal, sizesOf);
  const mine = await knownPlaces(pgdata);
  const tablespaces = await mappedOf(config, source.tablespaces);
  await requireOwnTablespaces(config, leader, tablespaces);
  for (const location of tablespaces.values()) await requireEmptyOrOurs(location, mine);
  const old = here === 'useless' ? 'discard' : config.oldData;
  const waldir = config.waldir ?? mine.waldir;
  const freedAt = async (path: string): Promise<number> => (old === 'discard' ? sizeOfTree(path) : 0);
  const demands: Demand[] = [
    { path: pgdata, bytes: source.data, freed: await freedAt(pgdata) },
    {
      path: waldir ?? pgdata,
      bytes: source.wal,
      freed: waldir === null ? 0 : await freedAt(waldir),
    },
  ];
  for (const { location, bytes } of source.tablespaces) {
    const path = tablespaces.get(location) ?? location;
    demands.push({ path, bytes, freed: await freedAt(path) });
  }
  const hint =
    old === 'keep' && here === 'whole'
      ? `Make room; or let the old data go first: discard_old_data = on under [replication] in ${config.configPath}, then pgaf reload.`
      : 'Make room there.';
  await requireRoom(`a copy of node ${leader.id} "${leader.name}"`, demands, hint);
  return { waldir, tablespaces, old };
}

/** A tablespace stays where this node has it, though its source may have it elsewhere. */
async function mappedOf(
  { pgdata, tablespaceMapping }: NodeConfig,
  ofSource: readonly Tablespace[],
): Promise<ReadonlyMap<string, string>> {
  const mine = await tablespaceLinks(pgdata);
  return new Map(
    ofSource.map(({ oid, location }) => [
      location,
      tablespaceMapping.get(location) ?? mine.get(oid) ?? location,
    ]),
  );
}

/**
 * Two nodes of one host would write to the same files: Postgres has a tablespace at the same path on each node.
 * @throws UserError `tablespace-shared`.
 */
async function requireOwnTablespaces(
  config: NodeConfig,
  leader: Peer,
  tablespaces: ReadonlyMap<string, string>,
): Promise<void> {
  const [first] = [...tablespaces].find(([theirs, ours]) => theirs === ours) ?? [];
  if (first === undefined || !(await isThisHost(config, leader.host))) return;
  throw new UserError(
    `Node ${leader.id} "${leader.name}" runs on this host and has a tablespace in ${first}, where this node would have its own.`,
    {
      code: 'tablespace-shared',
      exit: EXIT.badState,
      hint: `Run this node on another host; or give it a place of its own: tablespace_mapping = ${first}=/elsewhere under [replication] in ${config.configPath}.`,
    },
  );
}

async function isThisHost(config: NodeConfig, host: string): Promise<boolean> {
  if (host === config.host) return true;
  const own = new Set(
    Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)),
  );
  const addresses = await lookup(host, { all: true }).catch(() => []);
  return addresses.some(({ address }) => own.has(address));
}

/** What this node has at that location goes with its old data; what others have there does not. */
async function requireEmptyOrOurs(location: string, mine: OutsidePlaces): Promise<void> {
  if (mine.tablespaces.includes(location)) return;
  const names = await readdir(location).catch((): string[] => []);
  const [first] = names.filter((name) => name !== OF_THE_MOUNT && name !== STAGING);
  if (first === undefined) return;
  throw new UserError(
    `The primary has a tablespace in ${location}, where on this host is something else: ${join(location, first)}.`,
    { code: 'tablespace-not-empty', exit: EXIT.badState, hint: `Empty ${location}, or move what is there.` },
  );
}

/** Whether pg_rewind can go on: it would make a link for a tablespace that is new to this node, and no place for it. */
export async function lacksTablespaces(
  config: NodeConfig,
  leader: Peer,
  signal: AbortSignal,
): Promise<boolean> {
  const tablespaces = await mappedOf(config, await withSource(config, leader, signal, tablespacesOf));
  await requireOwnTablespaces(config, leader, tablespaces);
  const mine = await knownPlaces(config.pgdata);
  return [...tablespaces.values()].some((location) => !mine.tablespaces.includes(location));
}
