import type { Finding } from './finding.js';
import { nodeIdOf } from './names.js';
import type { LocalClient } from './query.js';

/** A slot of max_slot_wal_keep_size that has less than this share of it left is near its end. */
const NEAR = 0.2;

type SlotRow = { name: string; wal_status: string; near: boolean; bound: string; max_wal_size: string };

// wal_status: `extended`: more than max_wal_size, still there; `unreserved`: may go at the next checkpoint; `lost`.
const SLOTS = `
SELECT slot_name AS name, wal_status, current_setting('max_slot_wal_keep_size') AS bound,
       current_setting('max_wal_size') AS max_wal_size,
       coalesce(safe_wal_size < $1 * (SELECT setting::numeric FROM pg_settings WHERE name = 'max_slot_wal_keep_size')
                              * 1024 * 1024, false) AS near
  FROM pg_replication_slots WHERE wal_status IS NOT NULL ORDER BY slot_name`;

export interface SlotFindings {
  readonly findings: readonly Finding[];
  /** A slot of ours that can never be used again is there; a new one is to take its place. */
  readonly lostOfOurs: boolean;
}

/** Slots, everybody's, that hold much WAL or have lost what they are for. */
export async function findSlotProblems(client: LocalClient): Promise<SlotFindings> {
  const rows = await client.query<SlotRow>(SLOTS, [NEAR]);
  return {
    findings: rows.flatMap((row): Finding[] => {
      const sentence = sentenceOf(row);
      return sentence === null ? [] : [{ severity: 'warning', sentence }];
    }),
    lostOfOurs: rows.some((row) => row.wal_status === 'lost' && nodeIdOf(row.name) !== undefined),
  };
}

function sentenceOf({ name, wal_status: status, near, bound, max_wal_size: size }: SlotRow): string | null {
  const id = nodeIdOf(name);
  const slot = `slot "${name}"`;
  const end = id === undefined ? 'it is lost' : `it is lost, and node ${id} is copied anew`;
  const act =
    id === undefined ? 'let its client catch up, or drop the slot' : `bring node ${id} back, or drop it`;
  if (status === 'lost') {
    return `${slot} has lost WAL that was not received yet: ${id === undefined ? 'drop it' : `node ${id} is copied anew when it is back`}`;
  }
  if (status === 'unreserved') {
    return `${slot} holds more WAL than max_slot_wal_keep_size (${bound}) allows, and at the next checkpoint ${end}: ${act}`;
  }
  if (near) return `${slot} is near max_slot_wal_keep_size (${bound}), past which ${end}: ${act}`;
  if (status !== 'extended') return null;
  const past = bound === '-1' ? 'until the disk is full' : `past max_slot_wal_keep_size (${bound}) ${end}`;
  return `${slot} holds back more WAL than max_wal_size (${size}), ${past}: ${act}`;
}
