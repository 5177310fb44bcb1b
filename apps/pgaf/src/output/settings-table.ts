import { formatTable, type Column } from './text-table.js';

/** A row of `formation_settings()`. */
export interface SettingRow {
  readonly context: 'formation' | 'primary' | 'node';
  readonly group_id: number | null;
  readonly node_id: number | null;
  readonly nodename: string;
  readonly setting: string;
  readonly value: string;
}

const COLUMNS: readonly Column[] = [
  { title: 'Context', width: 9 },
  { title: 'Name' },
  { title: 'Setting' },
  { title: 'Value', left: true },
];

/** The table of `show settings`. The rule under the values is as long as the longest. */
export function settingsTable(rows: readonly SettingRow[]): string {
  const cells = rows.map(({ context, nodename, setting, value }) => [context, nodename, setting, value]);
  const longest = Math.max(0, ...rows.map(({ value }) => value.length));
  const columns = COLUMNS.map((column) => (column.left ? { ...column, width: longest } : column));
  return formatTable(columns, cells);
}
