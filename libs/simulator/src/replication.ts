import type { SyncSetting } from '@pgaf/plugin-api/snapshot';
import type { ModelPostgres } from './model-postgres.js';
import type { Connection } from './network.js';

export type SyncRule = Pick<SyncSetting, 'version' | 'required' | 'members'>;

export const NO_SYNC: SyncRule = { version: 0, required: 0, members: [] };

/** What the settings files in the data directory say. */
export interface Configuration {
  readonly standby: boolean;
  /** The node that primary_conninfo names; null when it is empty. */
  readonly upstream: number | null;
  readonly sync: SyncRule;
}

/** A walsender with the walreceiver at the other end. */
export interface Stream {
  readonly connection: Connection;
  readonly upstream: ModelPostgres;
  readonly standby: ModelPostgres;
  sent: number;
  /** What the standby said that it has flushed, and when its last reply came. */
  flushed: number;
  repliedAt: number;
  /** The setting as this walsender has read it. */
  sync: SyncRule;
}

/** Commits that are flushed here and wait for standbys. */
export class WaitingCommits {
  #positions: number[] = [];

  add(position: number): void {
    this.#positions.push(position);
  }

  clear(): void {
    this.#positions = [];
  }

  /** Lets those up to a position go, and returns them. */
  takeUpTo(position: number): readonly number[] {
    if (this.#positions.length === 0) return [];
    const taken = this.#positions.filter((each) => each <= position);
    this.#positions = this.#positions.filter((each) => each > position);
    return taken;
  }
}

/** Up to where a walsender lets commits go after a reply, by its own reading of the setting. */
export function releasedBy(stream: Stream, senders: Iterable<Stream>): number {
  const { required, members } = stream.sync;
  if (required === 0 || !members.includes(stream.standby.id)) return 0;
  const flushed: number[] = [];
  for (const other of senders) if (members.includes(other.standby.id)) flushed.push(other.flushed);
  return flushed.sort((a, b) => b - a)[required - 1] ?? 0;
}
