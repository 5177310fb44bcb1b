import { describe, expect, it } from 'vitest';
import { groupsAtRest } from './groups-at-rest.js';

const PAIRS = [
  'node_a|0|primary|primary',
  'node_b|0|secondary|secondary',
  'node_c|1|secondary|secondary',
  'node_d|1|primary|primary',
];
const print = (...lines: string[]) => `${lines.join('\n')}\n`;

describe('groups at rest', () => {
  it('are those whose nodes are all there', () => {
    expect(groupsAtRest(print(...PAIRS), [2, 2])).toEqual([
      { primary: 'node_a', secondaries: ['node_b'] },
      { primary: 'node_d', secondaries: ['node_c'] },
    ]);
  });

  it('have one alone where no other one is to come', () => {
    const printed = print('node_a|0|single|single');
    expect(groupsAtRest(printed, [1])).toEqual([{ primary: 'node_a', secondaries: [] }]);
    expect(groupsAtRest(printed, [2])).toBeNull();
  });

  it.each([
    ['a node is missing', print(...PAIRS.slice(1))],
    ['there is one too many', print(...PAIRS, 'node_e|2|single|single')],
    ['a node is in the wrong group', print(...PAIRS.slice(0, 3), 'node_d|0|secondary|secondary')],
    ['a node is to change', print(...PAIRS.slice(0, 3), 'node_d|1|primary|draining')],
    ['a standby does not follow yet', print(...PAIRS.slice(0, 3), 'node_d|1|catchingup|catchingup')],
    ['nothing is known', ''],
  ])('are none when %s', (_, printed) => expect(groupsAtRest(printed, [2, 2])).toBeNull());
});
