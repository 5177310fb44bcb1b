import type { Client } from 'pg';
import { QUESTIONS } from './questions.js';
import type { MonitorSettings } from './monitor-settings.js';

/** At most so many rows at once, so that a great backlog does not hold up the decisions. */
const BATCH = 1000;

/**
 * Trims events and answered commands to the age and the number that the settings allow, the oldest first; the rest of
 * a great backlog (`more`), and rows that somebody has locked, the next time. What only asked is no history: it goes
 * once its answer was read, and takes no command's place.
 */
export async function trimHistory(
  client: Client,
  { historyAge, historyRows }: Pick<MonitorSettings, 'historyAge' | 'historyRows'>,
  batch: number = BATCH,
): Promise<'done' | 'more'> {
  const events = await client.query(
    `DELETE FROM pgautofailover.event WHERE eventid IN (
       SELECT eventid FROM pgautofailover.event
       WHERE eventtime < now() - $1 * interval '1 ms'
          OR eventid <= (SELECT eventid FROM pgautofailover.event ORDER BY eventid DESC OFFSET $2 LIMIT 1)
       ORDER BY eventid LIMIT $3 FOR UPDATE SKIP LOCKED)`,
    [historyAge, historyRows, batch],
  );
  const commands = await client.query(
    `DELETE FROM pgautofailover.command WHERE commandid IN (
       SELECT commandid FROM pgautofailover.command
       WHERE answered_at < now() - interval '1 minute'
         AND (requested_at < now() - $1 * interval '1 ms'
              OR kind = ANY ($4)
              OR commandid <= (SELECT commandid FROM pgautofailover.command WHERE kind <> ALL ($4)
                               ORDER BY commandid DESC OFFSET $2 LIMIT 1))
       ORDER BY commandid LIMIT $3 FOR UPDATE SKIP LOCKED)`,
    [historyAge, historyRows, batch, Object.keys(QUESTIONS)],
  );
  return events.rowCount === batch || commands.rowCount === batch ? 'more' : 'done';
}
