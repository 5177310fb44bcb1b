import type { Json, JsonObject } from '@pgaf/core/json';
import type { Refusal } from '@pgaf/fsm/command-decision';
import type { Client } from 'pg';
import { isJsonObject, toJsonText } from './json-shapes.js';

/** A row of `command`, taken by this service. */
export interface Command {
  readonly id: number;
  readonly kind: string;
  readonly formation: string;
  readonly group: number | null;
  readonly arguments: JsonObject;
  readonly requestedBy: string;
}

/** The commands that wait, oldest first. Those that nobody waits for any more are withdrawn. */
export async function waitingCommands(client: Client): Promise<readonly number[]> {
  await client.query(
    `UPDATE pgautofailover.command SET status = 'withdrawn', answered_at = clock_timestamp()
     WHERE commandid IN (
       SELECT commandid FROM pgautofailover.command
       WHERE status = 'new' AND deadline < clock_timestamp() FOR UPDATE SKIP LOCKED)`,
  );
  const { rows } = await client.query<{ id: number }>(
    `SELECT commandid::float8 AS id FROM pgautofailover.command WHERE status = 'new' ORDER BY commandid`,
  );
  return rows.map(({ id }) => id);
}

/** Makes a waiting command ours; null when it was withdrawn in the meantime, or somebody has its row locked. */
export async function takeCommand(client: Client, id: number): Promise<Command | null> {
  const { rows } = await client.query<{
    kind: string;
    formationid: string | null;
    groupid: number | null;
    arguments: Json;
    requested_by: string;
  }>(
    `UPDATE pgautofailover.command SET status = 'running'
     WHERE commandid = (
       SELECT commandid FROM pgautofailover.command
       WHERE commandid = $1 AND status = 'new' FOR UPDATE SKIP LOCKED)
     RETURNING kind, formationid, groupid, arguments, requested_by`,
    [id],
  );
  const row = rows[0];
  if (!row) return null;
  return {
    id,
    kind: row.kind,
    formation: row.formationid ?? '',
    group: row.groupid,
    arguments: isJsonObject(row.arguments) ? row.arguments : {},
    requestedBy: row.requested_by,
  };
}

/** In the transaction of what the command changed: both are there, or neither. */
export async function answerCommand(client: Client, id: number, answer: Json): Promise<void> {
  await client.query(
    `UPDATE pgautofailover.command SET status = 'done', answer = $2, answered_at = clock_timestamp()
     WHERE commandid = $1`,
    [id, toJsonText(answer)],
  );
}

export async function refuseCommand(client: Client, id: number, refusal: Refusal): Promise<void> {
  await client.query(
    `UPDATE pgautofailover.command SET status = 'refused', sqlstate = $2, message = $3, detail = $4, hint = $5,
            answered_at = clock_timestamp()
     WHERE commandid = $1`,
    [id, refusal.sqlstate, refusal.message, refusal.detail ?? null, refusal.hint ?? null],
  );
}

/**
 * What an earlier service had taken and not answered. It changed nothing, since a command's changes and its
 * answer are one transaction.
 */
export async function refuseAbandonedCommands(client: Client): Promise<void> {
  await client.query(
    `UPDATE pgautofailover.command SET status = 'refused', sqlstate = '57P01', answered_at = clock_timestamp(),
            message = 'the monitor service was restarted before it carried out the command',
            hint = 'Nothing was changed; give the command again.'
     WHERE commandid IN (
       SELECT commandid FROM pgautofailover.command WHERE status = 'running' FOR UPDATE SKIP LOCKED)`,
  );
}
