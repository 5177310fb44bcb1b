import { formatTable, type Column } from './text-table.js';

/** A row of the monitor's `last_events()`. */
export interface EventRow {
  /** As Postgres prints it. */
  readonly eventtime: string;
  readonly groupid: number;
  readonly nodeid: number;
  readonly reportedstate: string;
  readonly goalstate: string;
  /** The id of the rule that decided it; null for news that no rule decided. */
  readonly rule: string | null;
  readonly description: string | null;
}

const COLUMNS: readonly Column[] = [
  { title: 'Event Time', width: 30 },
  { title: 'Node', width: 6 },
  { title: 'Current State', width: 19 },
  { title: 'Assigned State', width: 19 },
  { title: 'Rule', width: 6 },
  { title: 'Comment', width: 10, left: true },
];

/** The table of `show events`. */
export function eventsTable(rows: readonly EventRow[]): string {
  return formatTable(
    COLUMNS,
    rows.map((row) => [
      row.eventtime,
      `${row.groupid}/${row.nodeid}`,
      row.reportedstate,
      row.goalstate,
      row.rule ?? '',
      row.description ?? '',
    ]),
  );
}
