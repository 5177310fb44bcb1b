import type { Style, StyledLine } from './styled-line.js';

// Control sequences of ECMA-48 and of xterm, which every terminal emulator in use takes:
// https://invisible-island.net/xterm/ctlseqs/ctlseqs.html

const CODES: Readonly<Record<Style, number>> = { bold: 1, dim: 2, underline: 4, reverse: 7 };

/** The other screen of the terminal, emptied, without cursor and without wrapping at the right edge. */
export const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[0m\x1b[2J';
/** The terminal as it was. */
export const LEAVE = '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l';

/**
 * What turns the painted lines into the wanted ones: those that differ, each in its row, which is emptied first:
 * behind a full line the cursor still stands on its last character.
 */
export function repaint(wanted: readonly StyledLine[], painted: readonly string[]): string {
  return wanted
    .map(textOf)
    .map((text, row) => (text === painted[row] ? '' : `\x1b[${row + 1};1H\x1b[2K${text}`))
    .join('');
}

/** A line with its styles, which end with it. */
export function textOf(line: StyledLine): string {
  return line
    .map(({ text, styles }) =>
      styles.length === 0 ? text : `\x1b[${styles.map((style) => CODES[style]).join(';')}m${text}\x1b[0m`,
    )
    .join('');
}
