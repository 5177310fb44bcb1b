import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { INVALID_LSN, parseLsn, type Lsn } from '@pgaf/core/lsn';
import { syncDirectory, touch, type Written } from './atomic-file.js';
import { standbyName } from './names.js';
import type { LocalClient } from './query.js';
import { writeSettings, type Setting } from './settings.js';
import { upstreamConninfo, type Upstream } from './upstream.js';

const SIGNAL_FILE = 'standby.signal';

/**
 * Makes a data directory a standby's: at its next start it stays in recovery. On a running standby a reload applies
 * the upstream. Without one it follows nobody.
 */
export async function writeStandbyMode(
  pgdata: string,
  nodeId: number,
  upstream: Upstream | undefined,
): Promise<Written> {
  const settings: Setting[] = [
    ['primary_conninfo', upstream ? upstreamConninfo(upstream, standbyName(nodeId)) : ''],
    ['primary_slot_name', standbyName(nodeId)],
  ];
  // First: with the settings alone it would start as a primary. Who flushes the directory for them flushes the signal, too.
  await touch(join(pgdata, SIGNAL_FILE));
  const written = await writeSettings(pgdata, 'standby', settings);
  if (written === 'unchanged') await syncDirectory(pgdata);
  return written;
}

/** The next start stays in recovery, whatever took the signal away; the upstream stays as it was set. */
export async function stayInRecovery(pgdata: string): Promise<void> {
  await touch(join(pgdata, SIGNAL_FILE));
  await syncDirectory(pgdata);
}

/** Its next start stays in recovery. A promotion takes this away before its timeline counts. */
export function hasStandbySignal(pgdata: string): boolean {
  return existsSync(join(pgdata, SIGNAL_FILE));
}

/** Makes a data directory a primary's: at its next start it leaves recovery when its WAL ends. */
export async function clearStandbyMode(pgdata: string): Promise<Written> {
  const written = await writeSettings(pgdata, 'standby', []);
  await rm(join(pgdata, SIGNAL_FILE), { force: true });
  await syncDirectory(pgdata);
  return written;
}

export interface ReceivePosition {
  /** What is flushed to this disk since the start of this Postgres; 0 when nothing was received since. */
  readonly receivedLsn: Lsn;
  readonly replayedLsn: Lsn;
}

export async function receivePosition(client: LocalClient): Promise<ReceivePosition> {
  const [row] = await client.query<{ received: string | null; replayed: string | null }>(
    'SELECT pg_last_wal_receive_lsn()::text AS received, pg_last_wal_replay_lsn()::text AS replayed',
  );
  return {
    receivedLsn: row?.received ? parseLsn(row.received) : INVALID_LSN,
    replayedLsn: row?.replayed ? parseLsn(row.replayed) : INVALID_LSN,
  };
}
