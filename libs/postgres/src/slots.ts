import { formatLsn, type Lsn } from '@pgaf/core/lsn';
import { STANDBY_NAME_LIKE, standbyName } from './names.js';
import type { LocalClient } from './query.js';

export interface SlotChanges {
  readonly created: readonly string[];
  readonly dropped: readonly string[];
  /** They belong to nobody, and are in use still: a walsender ends a moment after its standby. */
  readonly inUse: readonly string[];
}

const UNKNOWN_SLOTS = `
SELECT slot_name AS name FROM pg_replication_slots
 WHERE slot_type = 'physical' AND slot_name LIKE $2 AND slot_name <> ALL ($1)`;

const LOST_SLOTS = `
SELECT slot_name AS name FROM pg_replication_slots
 WHERE slot_type = 'physical' AND slot_name = ANY ($1) AND wal_status = 'lost'`;

const CREATE_MISSING = `
SELECT (pg_create_physical_replication_slot(name, true)).slot_name AS name
  FROM unnest($1::text[]) AS name
 WHERE name NOT IN (SELECT slot_name FROM pg_replication_slots)`;

/**
 * One physical slot per other node, its WAL kept from now on; drops the slots of ours that belong to nobody and that
 * nobody uses, and makes those anew that lost their WAL: nobody can use them any more. On a primary and on a standby.
 */
export async function ensureSlots(client: LocalClient, nodeIds: readonly number[]): Promise<SlotChanges> {
  const wanted = nodeIds.map(standbyName);
  const lost = await client.query<{ name: string }>(LOST_SLOTS, [wanted]);
  const unknown = await client.query<{ name: string }>(UNKNOWN_SLOTS, [wanted, STANDBY_NAME_LIKE]);
  const dropped: string[] = [];
  const inUse: string[] = [];
  for (const { name } of [...lost, ...unknown]) {
    const gone = await client.query(
      'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND NOT active',
      [name],
    );
    (gone.length > 0 ? dropped : inUse).push(name);
  }
  const created = await client.query<{ name: string }>(CREATE_MISSING, [wanted]);
  return { created: created.map((row) => row.name), dropped, inUse };
}

/** Drops every slot of ours that nobody uses: a node that comes back holds no WAL and no xmin for others. */
export async function dropInactiveSlots(client: LocalClient): Promise<readonly string[]> {
  return (await ensureSlots(client, [])).dropped;
}

export interface SlotPosition {
  readonly nodeId: number;
  /** What that node has reported. */
  readonly lsn: Lsn;
}

// An invalidated slot has no restart_lsn. Beyond what is replayed here a slot cannot go.
const ADVANCE = `
SELECT (pg_replication_slot_advance(slot_name, least(wanted.lsn, here.lsn))).slot_name
  FROM unnest($1::text[], $2::pg_lsn[]) AS wanted (name, lsn)
  JOIN pg_replication_slots ON slot_name = wanted.name,
       LATERAL (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                            ELSE pg_current_wal_flush_lsn() END AS lsn) AS here
 WHERE NOT active AND wanted.lsn <> '0/0' AND least(wanted.lsn, here.lsn) >= restart_lsn`;

/** Moves the unused slots of a standby to where the other nodes are, so that they hold no more WAL than needed. */
export async function advanceSlots(client: LocalClient, positions: readonly SlotPosition[]): Promise<void> {
  const names = positions.map(({ nodeId }) => standbyName(nodeId));
  await client.query(ADVANCE, [names, positions.map(({ lsn }) => formatLsn(lsn))]);
}
