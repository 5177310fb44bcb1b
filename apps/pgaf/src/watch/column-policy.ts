import type { Style } from './styled-line.js';

/** A column of a table of rows `R`. */
export interface WatchColumn<R> {
  readonly title: string;
  readonly text: (row: R) => string;
  readonly styles?: (row: R) => readonly Style[];
  /** The least width; wider titles and texts widen the column. */
  readonly least?: number;
  /** The most that its texts ask for: a last column, aligned left, that takes what is left and can be scrolled. */
  readonly most?: number;
}

/** Which columns are shown together. */
export type Policy<R> = readonly WatchColumn<R>[];

export interface FittedTable<R> {
  readonly columns: Policy<R>;
  readonly widths: readonly number[];
}

/** Blanks between two columns. */
export const GAP = 2;

/** The widest of the policies that fits, the later one of two that are as wide; null when none does. */
export function widestThatFits<R>(
  policies: readonly Policy<R>[],
  rows: readonly R[],
  room: number,
): FittedTable<R> | null {
  let best: (FittedTable<R> & { readonly total: number }) | null = null;
  for (const columns of policies) {
    const widths = columns.map((column) => widthOf(column, rows));
    const total = widths.reduce((sum, width) => sum + width, GAP * (columns.length - 1));
    if (total <= room && (best === null || total >= best.total)) best = { columns, widths, total };
  }
  return best;
}

function widthOf<R>({ title, text, least = 0, most = Infinity }: WatchColumn<R>, rows: readonly R[]): number {
  const widest = rows.reduce((width, row) => Math.max(width, text(row).length), 0);
  return Math.max(title.length, least, Math.min(widest, most));
}
