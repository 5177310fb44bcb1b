import { GAP, widestThatFits, type FittedTable, type Policy } from './column-policy.js';
import { clockText, EVENT_POLICIES } from './event-columns.js';
import { nodePolicies } from './node-columns.js';
import type { Picture, WatchedEvent, WatchedNode } from './picture.js';
import { cutTo, plain, printable, withStyle, type Size, type StyledLine } from './styled-line.js';
import type { Reach, RowId, View } from './view.js';

export interface Screen {
  /** One for each row of the terminal. */
  readonly lines: readonly StyledLine[];
  readonly reach: Reach;
}

const HOW_TO_LEAVE = 'Press F1 to exit';

/** The title, the notice, the header of the nodes and one node, how to leave. */
const LEAST_ROWS = 5;
/** A blank row, the header of the events and one event. */
const LEAST_EVENT_ROWS = 3;

/** The whole screen: title, notice, nodes, events newest first as many as fit, and how to leave. */
export function screenOf(picture: Picture, view: View, size: Size): Screen {
  const nodeTable = widestThatFits(nodePolicies(picture.nodeLabel), picture.nodes, size.columns);
  if (size.rows < LEAST_ROWS || nodeTable === null) return tooSmall(size);
  const room = size.rows - 4;
  const nodes = around(picture.nodes, indexOf(picture.nodes, 'node', view.selected), room);
  const eventRoom = Math.max(0, room - nodes.length);
  const events = picture.events.slice(0, Math.max(0, eventRoom - LEAST_EVENT_ROWS + 1));
  const eventTable = events.length === 0 ? null : eventTableFor(events, size.columns);
  const lines = [
    titleOf(picture, size.columns),
    noticeOf(picture),
    ...tableOf(nodeTable, 'node', nodes, view),
    ...(eventTable === null ? [] : [[], ...tableOf(eventTable, 'event', events, view)]),
  ].map((line) => cutTo(line, size.columns));
  while (lines.length < size.rows - 1) lines.push([]);
  lines.push([plain(HOW_TO_LEAVE.padStart(size.columns))]);
  return { lines, reach: reachOf(picture.nodes, eventTable === null ? [] : events, eventTable) };
}

function tooSmall({ rows, columns }: Size): Screen {
  const line = cutTo([plain(`Window too small: ${rows}x${columns}`)], columns);
  const lines = Array.from({ length: rows }, (_, row) => (row === 0 ? line : []));
  return { lines, reach: { selectable: [], descriptionRoom: 0, longestDescription: 0 } };
}

function titleOf({ formation, numberSyncStandbys, now }: Picture, columns: number): StyledLine {
  const clock = clockText(now);
  const name = `Formation: ${printable(formation)}`;
  const variants =
    numberSyncStandbys === null
      ? [name]
      : [`${name} - Sync Standbys: ${numberSyncStandbys}`, `${name} - nss: ${numberSyncStandbys}`];
  const room = columns - clock.length - GAP;
  const left = variants.find((variant) => variant.length <= room) ?? variants.at(-1) ?? name;
  return [plain(`${left.slice(0, room).padEnd(room + GAP)}${clock}`)];
}

function noticeOf({ notice }: Picture): StyledLine {
  return notice === null ? [] : [{ text: printable(notice), styles: ['reverse', 'bold'] }];
}

/** As many rows as there is room for, the selected one among them. */
function around<R>(rows: readonly R[], selected: number, room: number): readonly R[] {
  const from = Math.max(0, selected - room + 1);
  return rows.slice(from, from + room);
}

function indexOf(
  rows: readonly { readonly id: number }[],
  kind: 'node' | 'event',
  selected: RowId | null,
): number {
  return rows.findIndex(({ id }) => selected === `${kind} ${id}`);
}

/** The descriptions take what the other columns leave. */
function eventTableFor(events: readonly WatchedEvent[], room: number): FittedTable<WatchedEvent> | null {
  const fitted = widestThatFits(EVENT_POLICIES, events, room);
  if (fitted === null) return null;
  const others = fitted.widths.slice(0, -1).reduce((sum, width) => sum + width + GAP, 0);
  return { ...fitted, widths: [...fitted.widths.slice(0, -1), room - others] };
}

function tableOf<R extends WatchedNode | WatchedEvent>(
  table: FittedTable<R>,
  kind: 'node' | 'event',
  rows: readonly R[],
  { selected, scrolled }: View,
): StyledLine[] {
  const header = lineOf(table, (column) => ({ text: column.title, styles: [] }), 0);
  const lines = rows.map((row) => {
    const line = lineOf(
      table,
      (column) => ({ text: column.text(row), styles: column.styles?.(row) ?? [] }),
      scrolled,
    );
    return selected === `${kind} ${row.id}` ? withStyle(line, 'reverse') : line;
  });
  return [withStyle(header, 'reverse'), ...lines];
}

/** Cells are aligned right, descriptions left. */
function lineOf<R>(
  { columns, widths }: FittedTable<R>,
  cell: (column: Policy<R>[number]) => StyledLine[number],
  scrolled: number,
): StyledLine {
  return columns.flatMap((column, index) => {
    const { text, styles } = cell(column);
    const width = widths[index] ?? 0;
    const shown =
      column.most !== undefined ? text.slice(scrolled, scrolled + width).padEnd(width) : text.padStart(width);
    const segment = { text: shown, styles };
    return index === 0 ? [segment] : [plain(' '.repeat(GAP)), segment];
  });
}

function reachOf(
  nodes: readonly WatchedNode[],
  events: readonly WatchedEvent[],
  eventTable: FittedTable<WatchedEvent> | null,
): Reach {
  return {
    selectable: [
      ...nodes.map(({ id }): RowId => `node ${id}`),
      ...events.map(({ id }): RowId => `event ${id}`),
    ],
    descriptionRoom: eventTable?.widths.at(-1) ?? 0,
    longestDescription: events.reduce((most, { description }) => Math.max(most, description.length), 0),
  };
}
