import { readdir } from 'node:fs/promises';
import { ProgramError } from '@pgaf/core/errors';
import { readControlData } from './control-data.js';
import { inspectDataDirectory, notOurs } from './data-directory.js';
import { findPostmaster } from './find-postmaster.js';
import { readPostmasterPid } from './postmaster-pid.js';

/** What a data directory holds before pgaf has touched it. */
export type ExistingPostgres = NoPostgres | StoppedPostgres | RunningPostgres;

/** Missing, empty, or an unfinished attempt of ours. */
export interface NoPostgres {
  readonly tag: 'none';
}

export interface StoppedPostgres {
  readonly tag: 'stopped';
  /** `standby`: at its next start it stays in recovery, or it was stopped in recovery. */
  readonly role: 'primary' | 'standby';
  /** Decimal. */
  readonly systemIdentifier: string;
}

export interface RunningPostgres {
  readonly tag: 'running';
  readonly role: 'primary' | 'standby';
  readonly systemIdentifier: string;
  readonly port: number;
  /** '' when it listens on no Unix socket. */
  readonly socketDirectory: string;
}

const IN_RECOVERY: ReadonlySet<string> = new Set(['shut down in recovery', 'in archive recovery']);

/**
 * Looks, and touches nothing.
 * @throws UserError `pgdata-not-empty` when there is something else than a data directory, `pgdata-unusable`.
 */
export async function findExistingPostgres(bindir: string, pgdata: string): Promise<ExistingPostgres> {
  const kind = await inspectDataDirectory(pgdata);
  if (kind === 'foreign') throw notOurs(pgdata);
  if (kind !== 'initialized') return { tag: 'none' };
  const control = await readControlData(bindir, pgdata).catch((error: unknown) => {
    throw error instanceof ProgramError ? notOurs(pgdata) : error;
  });
  const entries = await readdir(pgdata);
  const isStandby = entries.includes('standby.signal') || IN_RECOVERY.has(control.state);
  const found = {
    role: isStandby ? ('standby' as const) : ('primary' as const),
    systemIdentifier: String(control.systemIdentifier),
  };
  if (!(await findPostmaster(pgdata))) return { tag: 'stopped', ...found };
  const file = await readPostmasterPid(pgdata);
  return {
    tag: 'running',
    ...found,
    port: file?.port ?? 0,
    socketDirectory: (file?.socketDirectory ?? '').split(',')[0] ?? '',
  };
}
