import { expect, it } from 'vitest';
import { repaint, textOf } from './ansi.js';
import { plain } from './styled-line.js';

const bold = { text: 'b', styles: ['bold', 'reverse'] as const };

it('paints the lines that differ, each in its row, and ends styles with their text', () => {
  const wanted = [[plain('same')], [plain('new '), bold], []];
  expect(repaint(wanted, ['same', 'old', 'gone'])).toBe(
    '\x1b[2;1H\x1b[2Knew \x1b[1;7mb\x1b[0m\x1b[3;1H\x1b[2K',
  );
  expect(repaint(wanted, wanted.map(textOf))).toBe('');
});
