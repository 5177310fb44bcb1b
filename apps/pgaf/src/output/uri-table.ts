import type { UriRow } from '@pgaf/plugin-api';
import { formatTable, type Column } from './text-table.js';

const COLUMNS: readonly Column[] = [
  { title: 'Type', width: 12 },
  { title: 'Name', width: 7 },
  { title: 'Connection String', width: 30, left: true },
];

/** The table of `show uri`. */
export function uriTable(rows: readonly UriRow[]): string {
  return formatTable(
    COLUMNS,
    rows.map((row) => [row.type, row.name, row.uri]),
  );
}
