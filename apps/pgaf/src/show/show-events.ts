import type { ExitStatus } from '@pgaf/core/errors';
import type { CommandContext } from '../command-spec.js';
import { flagsConflict } from '../flags-conflict.js';
import { requireGroup } from '../known-formation.js';
import { eventsTable, type EventRow } from '../output/events-table.js';
import { withMonitor, type MonitorFlags } from '../reach-monitor.js';
import { watch } from '../watch/watch.js';

export interface ShowEventsFlags extends MonitorFlags {
  readonly group?: number | undefined;
  readonly count: number;
  readonly watch: boolean;
  readonly json: boolean;
}

/** The last events, the newest at the end; with --watch, in the terminal, below the nodes. */
export async function showEvents(
  flags: ShowEventsFlags,
  context: CommandContext,
): Promise<ExitStatus | void> {
  if (flags.watch) {
    if (flags.json) throw flagsConflict(['--json', '--watch']);
    return watch({ ...flags, wait: false }, context);
  }
  await withMonitor(flags, context, async (session, place) => {
    await requireGroup(session, place.formation, flags.group, 'events');
    const about =
      flags.group === undefined
        ? [place.formation, flags.count]
        : [place.formation, flags.count, flags.group];
    const events =
      flags.group === undefined
        ? 'pgautofailover.last_events($1, count => $2) AS event'
        : 'pgautofailover.last_events($1, $3::int, $2::int) AS event';
    if (flags.json) {
      const [row] = await session.query<{ json: string | null }>(
        `SELECT jsonb_pretty(jsonb_agg(to_jsonb(event) ORDER BY eventid)) AS json FROM ${events}`,
        about,
      );
      context.print(`${row?.json ?? '[]'}\n`);
      return;
    }
    const rows = await session.query<EventRow>(
      `SELECT eventtime::text, groupid, nodeid::int, reportedstate::text, goalstate::text, rule, description
         FROM ${events} ORDER BY eventid`,
      about,
    );
    context.print(eventsTable(rows));
  });
}
