import { formatTable, type Column } from './text-table.js';

const COLUMNS: readonly Column[] = [
  { title: 'File', width: 7 },
  { title: 'Path', width: 15, left: true },
];

/** The table of `show file`. */
export function fileTable(files: readonly { readonly title: string; readonly path: string }[]): string {
  return formatTable(
    COLUMNS,
    files.map(({ title, path }) => [title, path]),
  );
}
