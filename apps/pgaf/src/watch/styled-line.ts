export type Style = 'bold' | 'dim' | 'underline' | 'reverse';

/** A piece of a line, a column of the terminal for each character. */
export interface Segment {
  readonly text: string;
  readonly styles: readonly Style[];
}

export type StyledLine = readonly Segment[];

export interface Size {
  readonly rows: number;
  readonly columns: number;
}

export function plain(text: string): Segment {
  return { text, styles: [] };
}

/** What a terminal would take for a command, or for a line's end, becomes a blank. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ');
}

/** The line cut off after so many columns. */
export function cutTo(line: StyledLine, columns: number): StyledLine {
  const cut: Segment[] = [];
  let left = columns;
  for (const { text, styles } of line) {
    if (left <= 0) break;
    cut.push({ text: text.slice(0, left), styles });
    left -= text.length;
  }
  return cut;
}

/** The same line with one more style all over. */
export function withStyle(line: StyledLine, style: Style): StyledLine {
  return line.map(({ text, styles }) => ({ text, styles: [...styles, style] }));
}
