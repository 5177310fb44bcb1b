import { baseEdgeTable } from '@pgaf/fsm/edge-table';
import '@pgaf/postgres/testing/become-postgres';
import { describe, expect, it } from 'vitest';
import { BothWorlds } from './edges/both-worlds.js';
import { movesOf } from './edges/legs.js';
import { STORIES } from './edges/stories.js';

/**
 * States that no edge leads to, so that no node is ever in one: the edges that leave them cannot be passed, by
 * a formation of any size.
 */
const NEVER_ENTERED: Readonly<Record<string, string>> = {
  demote_timeout: 'the stop of a leader is waited for, in draining, however long it takes',
  stop_replication: 'a promise ends replication, and the promotion follows it without a state between',
  join_primary: 'a leader takes in another standby while it stays primary',
};

describe('the stories', () => {
  it('pass every edge that leaves a state which a node can be in', () => {
    const passed = Object.values(STORIES).flatMap((legs) =>
      legs.flatMap((leg) => movesOf(leg).map(({ from, to }) => `${from}->${to}`)),
    );
    const edges = [...baseEdgeTable()];
    const passable = edges.filter(([, { from }]) => !(from in NEVER_ENTERED)).map(([key]) => key);
    expect([...new Set(passed)].sort()).toEqual(passable.sort());
  });

  it('leave out no state that an edge leads to', () => {
    const entered = new Set([...baseEdgeTable().values()].map(({ to }) => String(to)));
    expect(Object.keys(NEVER_ENTERED).filter((state) => entered.has(state))).toEqual([]);
  });
});

describe('a node and its model end where the same edges lead them', () => {
  it.each(Object.entries(STORIES))('%s', async (_name, legs) => {
    const worlds = new BothWorlds();
    for (const leg of legs) await worlds.pass(leg);
  });
});
