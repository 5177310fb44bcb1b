import { BugError } from '@pgaf/core/errors';
import type { Written } from './atomic-file.js';
import { standbyName } from './names.js';
import { writeSettings } from './settings.js';

/** `ANY count (members)`: a commit waits until `count` of these nodes have flushed it. */
export interface Quorum {
  /** 0: commits wait for nobody. */
  readonly count: number;
  readonly members: readonly number[];
}

/** The value of synchronous_standby_names, its members in the order given. */
export function renderSyncNames({ count, members }: Quorum): string {
  if (count === 0) return '';
  if (count > members.length)
    throw new BugError(`A quorum of ${count} of ${members.length} nodes can never be met.`);
  return `ANY ${count} (${members.map(standbyName).join(', ')})`;
}

/** Writes the setting. It is in force somewhere from the next reload on, and everywhere once confirmed. */
export async function writeSyncNames(pgdata: string, quorum: Quorum): Promise<Written> {
  return writeSettings(pgdata, 'sync', [['synchronous_standby_names', renderSyncNames(quorum)]]);
}
