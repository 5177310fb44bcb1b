/** A node or an event, however the tables move. */
export type RowId = `node ${number}` | `event ${number}`;

/** What the user looks at. */
export interface View {
  readonly selected: RowId | null;
  /** How many characters of the descriptions are out of sight on the left. */
  readonly scrolled: number;
}

export const FIRST_VIEW: View = { selected: null, scrolled: 0 };

/** What of a drawn screen keys move in. */
export interface Reach {
  /** From top to bottom. */
  readonly selectable: readonly RowId[];
  /** Columns of the terminal that descriptions have; 0 when none are shown. */
  readonly descriptionRoom: number;
  /** The longest of those that are shown. */
  readonly longestDescription: number;
}

export const MOVES = [
  'up',
  'down',
  'page-up',
  'page-down',
  'left',
  'right',
  'start',
  'end',
  'clear',
] as const;
export type Move = (typeof MOVES)[number];

const PAGE = 5;
const STEPS: Partial<Readonly<Record<Move, number>>> = {
  up: -1,
  down: 1,
  'page-up': -PAGE,
  'page-down': PAGE,
};

export function viewAfter(view: View, move: Move, reach: Reach): View {
  const step = STEPS[move];
  if (step !== undefined) return { ...view, selected: selectedAfter(view.selected, step, reach.selectable) };
  if (move === 'clear') return { ...view, selected: null };
  return { ...view, scrolled: scrolledAfter(view.scrolled, move, reach) };
}

/** From nothing, down begins at the top and up at the bottom; the ends hold. */
function selectedAfter(selected: RowId | null, step: number, rows: readonly RowId[]): RowId | null {
  const last = rows.length - 1;
  const at = selected === null ? -1 : rows.indexOf(selected);
  const from = at === -1 && step < 0 ? last + 1 : at;
  return rows[Math.min(last, Math.max(0, from + step))] ?? null;
}

function scrolledAfter(scrolled: number, move: Move, reach: Reach): number {
  const most = Math.max(0, reach.longestDescription - reach.descriptionRoom);
  const half = Math.max(1, Math.floor(reach.descriptionRoom / 2));
  if (move === 'start') return 0;
  if (move === 'end') return most;
  return Math.min(most, Math.max(0, scrolled + (move === 'right' ? half : -half)));
}
