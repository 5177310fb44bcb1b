export interface Column {
  readonly title: string;
  /** The least width; a wider title or value widens the column. */
  readonly width?: number;
  /** A last column of text: aligned left, its rule as long as `width`. */
  readonly left?: true;
}

/** Widths that hold the titles and all rows. */
export function widthsOf(columns: readonly Column[], rows: readonly (readonly string[])[]): number[] {
  return columns.map((column, index) => {
    const least = Math.max(column.width ?? 0, column.title.length);
    if (column.left) return least;
    return rows.reduce((width, row) => Math.max(width, row[index]?.length ?? 0), least);
  });
}

/** One line; columns are joined by ` | `, aligned right but for a last column of text. */
export function formatRow(
  columns: readonly Column[],
  widths: readonly number[],
  cells: readonly string[],
): string {
  return columns
    .map((column, index) => {
      const cell = cells[index] ?? '';
      return column.left ? cell : cell.padStart(widths[index] ?? 0);
    })
    .join(' | ');
}

/** The two lines above the rows: titles, and the rule under them. */
export function formatHeader(columns: readonly Column[], widths: readonly number[]): string[] {
  const titles = columns.map((column) => column.title);
  const rule = columns.map((_, index) => '-'.repeat(widths[index] ?? 0)).join('-+-');
  return [formatRow(columns, widths, titles), rule];
}

/** A whole table with the empty line that ends it. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = widthsOf(columns, rows);
  const lines = rows.map((row) => formatRow(columns, widths, row));
  return [...formatHeader(columns, widths), ...lines, '', ''].join('\n');
}
