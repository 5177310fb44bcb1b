import type { NodePaths } from '@pgaf/config/paths';
import type { KeeperConfig } from '@pgaf/config/settings';
import { EXIT, UserError } from '@pgaf/core/errors';
import { readStateFile } from '@pgaf/keeper/state-file';
import { requireNoOverride } from '@pgaf/postgres/auto-conf';
import { findExistingPostgres } from '@pgaf/postgres/existing-postgres';
import { requireFreePort } from '@pgaf/postgres/free-port';
import type { Setting } from '@pgaf/postgres/settings';
import {
  requireTakeable,
  requireUsableDataDirectory,
  requireWholeDataDirectory,
} from '@pgaf/postgres/take-over';

/** The Postgres that a node begins with: where it is reached, and whether it runs already. */
export interface FirstPostgres {
  readonly postgresql: KeeperConfig['postgresql'];
  readonly runs: boolean;
}

export interface PlaceOfNode {
  readonly paths: NodePaths;
  readonly bindir: string;
  readonly postgresql: KeeperConfig['postgresql'];
  /** The port that the command line or the environment asks for; undefined for none. */
  readonly wantedPort: string | undefined;
  /** How other hosts reach the node. */
  readonly hostname: string;
  /** Of the formation kind. */
  readonly settings: readonly Setting[];
}

/**
 * Looks at the Postgres that is in the data directory, if any, and touches nothing. One that runs and is no node yet
 * is taken over as it runs, with the port and the socket that it has.
 * @throws UserError for one that cannot be taken over, `setting-overridden`, `other-port`, `port-in-use`, `port-forbidden`.
 */
export async function firstPostgres(place: PlaceOfNode): Promise<FirstPostgres> {
  const { paths, bindir, postgresql } = place;
  const existing = await findExistingPostgres(bindir, paths.pgdata);
  if (existing.tag !== 'none') {
    await requireUsableDataDirectory(bindir, paths.pgdata);
    await requireNoOverride(paths.pgdata, place.settings);
  }
  const runs = existing.tag === 'running';
  const registered = readStateFile(paths.state);
  if (registered !== null && registered.current !== 'dropped') {
    if (!runs || existing.port !== postgresql.port) await requireFreePort(postgresql.port);
    return { postgresql, runs };
  }
  if (existing.tag !== 'none') await requireWholeDataDirectory(paths.pgdata);
  if (!runs) {
    await requireFreePort(postgresql.port);
    return { postgresql, runs };
  }
  if (place.wantedPort !== undefined && postgresql.port !== existing.port) {
    throw new UserError(
      `The Postgres in "${paths.pgdata}" runs on port ${existing.port}, not on ${postgresql.port}.`,
      {
        code: 'other-port',
        exit: EXIT.badArguments,
        hint: 'Leave --pgport and PGPORT out to keep its port; or stop it first, and it starts on the new one.',
      },
    );
  }
  await requireTakeable(paths.pgdata, existing, { host: place.hostname, wanted: place.settings });
  return { postgresql: { ...postgresql, port: existing.port, host: existing.socketDirectory }, runs };
}
