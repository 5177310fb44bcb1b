import { describe, expect, it } from 'vitest';
import type { Meaning } from './group-news.js';
import { switchoverEnd, type TakeOver } from './switchover-end.js';

/** Lines `<node> <reported> <goal>`; the old primary is node 1. */
function endOf(...lines: string[]): Meaning[] {
  return endWith('primary', ...lines);
}

function endWith(enough: TakeOver, ...lines: string[]): Meaning[] {
  const next = switchoverEnd(1, enough);
  return lines.map((line) => {
    const [node, reportedState = '', goalState = ''] = line.split(' ');
    return next({ groupId: 0, nodeId: Number(node), name: '', host: '', port: 0, reportedState, goalState });
  });
}

describe('a switchover', () => {
  it('is done when another node is primary', () => {
    expect(
      endOf(
        '1 primary draining',
        '1 draining draining',
        '2 prepare_promotion wait_primary',
        '2 primary primary',
      ),
    ).toEqual(['under-way', 'under-way', 'under-way', 'done']);
  });

  it('is not done when another node takes writes and its standby is on the way', () => {
    expect(endOf('2 wait_primary wait_primary', '2 wait_primary primary')).toEqual([
      'under-way',
      'under-way',
    ]);
  });

  it('is done when another node takes writes, where there may be no standby', () => {
    expect(
      endWith('wait_primary', '2 prepare_promotion wait_primary', '2 wait_primary wait_primary'),
    ).toEqual(['under-way', 'done']);
    expect(endWith('wait_primary', '2 primary primary')).toEqual(['done']);
  });

  it('is given up when the old primary is primary again', () => {
    expect(endOf('1 primary draining', '1 draining primary', '1 primary primary').at(-1)).toBe('given-up');
  });

  it('is given up when the old primary takes writes without its standby', () => {
    expect(
      endOf(
        '1 primary draining',
        '1 draining wait_primary',
        '2 secondary catchingup',
        '1 wait_primary wait_primary',
      ),
    ).toEqual(['under-way', 'under-way', 'under-way', 'given-up']);
  });

  it('goes on while the old primary only repeats what it was', () => {
    expect(endOf('1 primary primary', '1 primary primary')).toEqual(['under-way', 'under-way']);
  });
});
