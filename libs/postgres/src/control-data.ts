import { join } from 'node:path';
import { BugError, EXIT } from '@pgaf/core/errors';
import { parseLsn, type Lsn } from '@pgaf/core/lsn';
import { runProgram } from './run-program.js';
import type { WalGeometry } from './wal-position.js';

/** The states of catalog/pg_control.h, as pg_controldata prints them. */
export const CLUSTER_STATES = [
  'starting up',
  'shut down',
  'shut down in recovery',
  'shutting down',
  'in crash recovery',
  'in archive recovery',
  'in production',
] as const;
export type ClusterState = (typeof CLUSTER_STATES)[number];

export interface ControlData extends WalGeometry {
  /** Of the layout of pg_control, such as 1300. */
  readonly controlVersion: number;
  /** Of the system catalogs, such as 202209061: two builds of one major version may differ. */
  readonly catalogVersion: number;
  readonly state: ClusterState;
  readonly systemIdentifier: bigint;
  /** Timeline of the latest checkpoint. */
  readonly timeline: number;
  /** Where the record of the latest checkpoint begins. */
  readonly checkpointLsn: Lsn;
  readonly redoLsn: Lsn;
  /** How far a standby must replay before it is consistent; 0 on a primary. */
  readonly minRecoveryEnd: Lsn;
  readonly minRecoveryTimeline: number;
  readonly checksums: 'on' | 'off';
}

function isClusterState(text: string): text is ClusterState {
  return (CLUSTER_STATES as readonly string[]).includes(text);
}

/** Reads what pg_controldata prints with LC_ALL=C. */
export function parseControlData(text: string): ControlData {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) values.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const value = (label: string): string => {
    const found = values.get(label);
    if (found === undefined) throw new BugError(`pg_controldata prints no line "${label}".`);
    return found;
  };
  const state = value('Database cluster state');
  if (!isClusterState(state)) throw new BugError(`pg_controldata prints the unknown state "${state}".`);
  return {
    controlVersion: Number(value('pg_control version number')),
    catalogVersion: Number(value('Catalog version number')),
    state,
    systemIdentifier: BigInt(value('Database system identifier')),
    timeline: Number(value("Latest checkpoint's TimeLineID")),
    checkpointLsn: parseLsn(value('Latest checkpoint location')),
    redoLsn: parseLsn(value("Latest checkpoint's REDO location")),
    minRecoveryEnd: parseLsn(value('Minimum recovery ending location')),
    minRecoveryTimeline: Number(value("Min recovery ending loc's timeline")),
    segmentSize: Number(value('Bytes per WAL segment')),
    blockSize: Number(value('WAL block size')),
    checksums: value('Data page checksum version') === '0' ? 'off' : 'on',
  };
}

/** @throws ProgramError when `pg_control` is missing or unreadable. */
export async function readControlData(bindir: string, pgdata: string): Promise<ControlData> {
  const { stdout } = await runProgram({
    program: join(bindir, 'pg_controldata'),
    args: ['-D', pgdata],
    exit: EXIT.badState,
    hint: `Look whether ${pgdata} is a data directory that this user can read.`,
  });
  return parseControlData(stdout);
}
