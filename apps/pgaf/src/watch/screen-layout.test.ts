import { describe, expect, it } from 'vitest';
import type { Picture, WatchedEvent, WatchedNode } from './picture.js';
import { screenOf, type Screen } from './screen-layout.js';
import type { Segment, StyledLine } from './styled-line.js';
import { FIRST_VIEW, type View } from './view.js';

const node = (id: number, more: Partial<WatchedNode> = {}): WatchedNode => ({
  id,
  group: 0,
  name: `node_${id}`,
  host: '10.0.0.1',
  port: 5000 + id,
  region: 'default',
  quorum: true,
  priority: 50,
  tli: 1,
  lsn: '0/3000148',
  health: 1,
  reported: id === 1 ? 'primary' : 'secondary',
  assigned: id === 1 ? 'primary' : 'secondary',
  reportAge: 400,
  checkAge: 12_000,
  ...more,
});

const event = (id: number, description = `what happened ${id}`): WatchedEvent => ({
  id,
  at: new Date(2026, 10, 21, 3, 8, id).getTime(),
  name: 'node_1',
  rule: 'standby.ready',
  description,
});

const picture = (more: Partial<Picture> = {}): Picture => ({
  formation: 'default',
  numberSyncStandbys: 1,
  nodes: [node(1), node(2)],
  events: [event(9), event(8), event(7)],
  notice: null,
  now: new Date(2026, 10, 21, 4, 5, 6),
  nodeLabel: (group, id) => `${group}/${id}`,
  ...more,
});

const screen = (columns: number, rows: number, more: Partial<Picture> = {}, view: View = FIRST_VIEW) =>
  screenOf(picture(more), view, { rows, columns });
const textOf = (line: StyledLine | undefined): string => (line ?? []).map(({ text }) => text).join('');
const textsOf = ({ lines }: Screen): string[] => lines.map(textOf);
const titlesOf = (columns: number, more: Partial<Picture> = {}): string[] =>
  textOf(screen(columns, 24, more).lines[2])
    .trim()
    .split(/ {2,}/);
const cell = (line: StyledLine | undefined, text: string): Segment | undefined =>
  line?.find((segment) => segment.text.trim() === text);

describe('the screen of watch', () => {
  it('has title, nodes, events newest first, and how to leave, each in its row', () => {
    expect(textsOf(screen(80, 12))).toEqual([
      'Formation: default - Sync Standbys: 1                                   04:05:06',
      '',
      '  Name  Id    Check  Connection   Report  Reported State  Assigned State',
      'node_1   1      12s  read-write       1s         primary         primary',
      'node_2   2      12s   read-only       1s       secondary       secondary',
      '',
      'Id           Event Time    Name           Rule  Description                     ',
      ' 9  2026-11-21 03:08:09  node_1  standby.ready  what happened 9                 ',
      ' 8  2026-11-21 03:08:08  node_1  standby.ready  what happened 8                 ',
      ' 7  2026-11-21 03:08:07  node_1  standby.ready  what happened 7                 ',
      '',
      `${' '.repeat(64)}Press F1 to exit`,
    ]);
  });

  it('shows the widest policy of columns that fits', () => {
    const states = ['Reported State', 'Assigned State'];
    expect(titlesOf(37)).toEqual(['Id', ...states]);
    expect(titlesOf(47)).toEqual(['Name', 'Report', ...states]);
    expect(titlesOf(54)).toEqual(['Name', 'Id', 'Report', ...states]);
    expect(titlesOf(60)).toEqual(['Name', 'Connection', 'Report', ...states]);
    expect(titlesOf(68)).toEqual(['Name', 'Id', 'Connection', 'Last Report', ...states]);
    expect(titlesOf(80)).toEqual(['Name', 'Id', 'Check', 'Connection', 'Report', ...states]);
    const who = ['Name', 'Node', 'Region', 'Quorum', 'Priority'];
    expect(titlesOf(105)).toEqual([...who, 'Check', 'Connection', 'Report', ...states]);
    expect(titlesOf(120)).toEqual([...who, 'TLI: LSN', 'Check', 'Connection', 'Report', ...states]);
    const all = [...who, 'Host:Port', 'TLI: LSN'];
    expect(titlesOf(138)).toEqual([...all, 'Check', 'Connection', 'Last Report', ...states]);
    expect(titlesOf(300)).toEqual([...all, 'Last Check', 'Connection', 'Last Report', ...states]);
  });

  it('makes columns as wide as their texts, and leaves out what does not fit then', () => {
    const nodes = [node(1, { name: 'a-node-with-a-long-name', reported: 'prepare_promotion' })];
    expect(titlesOf(80, { nodes })).toEqual([
      'Name',
      'Connection',
      'Report',
      'Reported State',
      'Assigned State',
    ]);
    expect(textOf(screen(80, 24, { nodes }).lines[3])).toMatch(
      /^a-node-with-a-long-name .* prepare_promotion +primary$/,
    );
  });

  it('shortens the title where it must', () => {
    expect(textsOf(screen(40, 12))[0]).toBe('Formation: default - nss: 1     04:05:06');
    expect(textsOf(screen(40, 12, { formation: 'x'.repeat(60) }))[0]).toBe(
      `Formation: ${'x'.repeat(19)}  04:05:06`,
    );
    expect(textsOf(screen(40, 12, { numberSyncStandbys: null }))[0]).toBe(
      'Formation: default              04:05:06',
    );
  });

  it('shows what is not well below the title', () => {
    const lines = screen(40, 12, { notice: 'The monitor\x1b[31m is away, and this is cut off' }).lines;
    expect(lines[1]).toEqual([
      { text: 'The monitor [31m is away, and this is cu', styles: ['reverse', 'bold'] },
    ]);
  });

  it.each([
    [37, 24],
    [80, 5],
  ])('draws what it can on %i columns and %i rows', (columns, rows) => {
    const lines = textsOf(screen(columns, rows));
    expect(lines).toHaveLength(rows);
    expect(lines.every((line) => line.length <= columns)).toBe(true);
    expect(lines[3]).toMatch(/1 .*primary/);
    expect(lines.at(-1)).toMatch(/Press F1 to exit$/);
  });

  it.each([
    [33, 24],
    [80, 4],
    [5, 1],
  ])('says that %i columns and %i rows are too few', (columns, rows) => {
    const lines = textsOf(screen(columns, rows));
    expect(lines).toHaveLength(rows);
    expect(lines.join('')).toBe(`Window too small: ${rows}x${columns}`.slice(0, columns));
  });

  it('leaves the events out where not one of them has room', () => {
    expect(textsOf(screen(80, 9)).join('\n')).toContain('what happened 9');
    expect(textsOf(screen(80, 8)).join('\n')).not.toMatch(/what happened|Description/);
  });

  it('shows as many nodes as have room, and the selected one among them', () => {
    const nodes = [1, 2, 3, 4, 5, 6].map((id) => node(id));
    const shown = (view: View) =>
      textsOf(screen(80, 7, { nodes }, view)).flatMap((line) => /^ *(node_\d)/.exec(line)?.[1] ?? []);
    expect(shown(FIRST_VIEW)).toEqual(['node_1', 'node_2', 'node_3']);
    expect(shown({ selected: 'node 5', scrolled: 0 })).toEqual(['node_3', 'node_4', 'node_5']);
    expect(screen(80, 7, { nodes }).reach.selectable).toHaveLength(6);
  });

  it('marks bad health, old reports, and states that are on their way', () => {
    const nodes = [
      node(1, { health: 0, reportAge: 10_001, reported: 'draining', assigned: 'wait_maintenance' }),
      node(2, { health: 1, reportAge: 10_000 }),
    ];
    const { lines } = screen(80, 12, { nodes });
    expect(cell(lines[3], 'none')?.styles).toEqual(['reverse', 'bold']);
    expect(cell(lines[3], '10s')?.styles).toEqual(['reverse']);
    expect(cell(lines[3], 'draining')?.styles).toEqual(['bold']);
    expect(cell(lines[3], 'wait_maintenance')?.styles).toEqual(['dim', 'underline']);
    expect(lines[4]?.flatMap(({ styles }) => styles)).toEqual([]);
    const unknown = screen(80, 12, { nodes: [node(1, { health: -1 })] }).lines[3];
    expect(cell(unknown, 'read-write')?.styles).toEqual(['reverse', 'bold']);
  });

  it('shows headers and the selected row in reverse', () => {
    const { lines } = screen(80, 12, {}, { selected: 'event 8', scrolled: 0 });
    const reversed = lines.flatMap((line, row) =>
      line.length > 0 && line.every(({ styles }) => styles.includes('reverse')) ? [row] : [],
    );
    expect(reversed).toEqual([2, 6, 8]);
  });

  it('scrolls the descriptions and nothing else', () => {
    const events = [event(9, 'abcdefghijklmnopqrstuvwxyz\n0123456789 and some more')];
    const line = (scrolled: number) =>
      textOf(screen(54, 12, { events }, { selected: null, scrolled }).lines[7]);
    expect(line(0)).toBe(' 9  abcdefghijklmnopqrstuvwxyz 0123456789 and some mor');
    expect(line(20)).toBe(` 9  uvwxyz 0123456789 and some more${' '.repeat(19)}`);
    expect(screen(54, 12, { events }).reach).toMatchObject({ descriptionRoom: 50, longestDescription: 51 });
  });
});
