import { describe, expect, it } from 'vitest';
import { FIRST_VIEW, viewAfter, type Move, type Reach, type View } from './view.js';

const reach: Reach = {
  selectable: ['node 1', 'node 2', 'event 9', 'event 8', 'event 7', 'event 6'],
  descriptionRoom: 40,
  longestDescription: 95,
};
const after = (moves: readonly Move[], start: View = FIRST_VIEW): View =>
  moves.reduce((view, move) => viewAfter(view, move, reach), start);

describe('keys', () => {
  it('select rows, from one table into the other, and stop at the ends', () => {
    expect(after(['down']).selected).toBe('node 1');
    expect(after(['up']).selected).toBe('event 6');
    expect(after(['down', 'down', 'down']).selected).toBe('event 9');
    expect(after(['down', 'down', 'down', 'up']).selected).toBe('node 2');
    expect(after(['down', 'up', 'up']).selected).toBe('node 1');
    expect(after(['page-down']).selected).toBe('event 7');
    expect(after(['page-down', 'page-down']).selected).toBe('event 6');
    expect(after(['page-down', 'page-up']).selected).toBe('node 1');
    expect(after(['down', 'clear']).selected).toBeNull();
  });

  it('begin anew when the selected row is gone, and do nothing without rows', () => {
    expect(after(['down'], { selected: 'event 1', scrolled: 0 }).selected).toBe('node 1');
    const empty: Reach = { selectable: [], descriptionRoom: 0, longestDescription: 0 };
    expect(viewAfter(FIRST_VIEW, 'down', empty)).toEqual(FIRST_VIEW);
    expect(viewAfter(FIRST_VIEW, 'up', empty)).toEqual(FIRST_VIEW);
    expect(viewAfter(FIRST_VIEW, 'right', empty)).toEqual(FIRST_VIEW);
  });

  it('scroll descriptions by half of what is shown of them, and no further than their ends', () => {
    expect(after(['right']).scrolled).toBe(20);
    expect(after(['right', 'right', 'right', 'right']).scrolled).toBe(55);
    expect(after(['end']).scrolled).toBe(55);
    expect(after(['end', 'left']).scrolled).toBe(35);
    expect(after(['right', 'left', 'left']).scrolled).toBe(0);
    expect(after(['end', 'start']).scrolled).toBe(0);
  });
});
