import { expect, test } from 'vitest';
import { chosenMember } from './chosen-member.js';
import type { Member } from './group-news.js';

const member = (id: number, group: number) => ({ id, group, name: `node_${id}` }) as Member;
const nodes = [member(1, 0), member(2, 0), member(3, 1)];
const formation = 'default';

test('the node that is named, or the local one, is chosen, in any group or in its own', () => {
  expect(chosenMember(nodes, { name: 'node_2' }, { formation, group: undefined }).id).toBe(2);
  expect(chosenMember(nodes, { id: 3 }, { formation, group: undefined }).id).toBe(3);
  expect(chosenMember(nodes, { id: 3 }, { formation, group: 1 }).id).toBe(3);
});

test('one of another group than the one that is named is refused, and never passed over', () => {
  const refused = (wanted: Parameters<typeof chosenMember>[1]) => () =>
    chosenMember(nodes, wanted, { formation, group: 0 });
  expect(refused({ name: 'node_3' })).toThrow('The node "node_3" is in group 1, and not in group 0.');
  expect(refused({ id: 3 })).toThrow('The node here, "node_3", is in group 1, and not in group 0.');
  expect(refused({ id: 9 })).toThrow(/9/);
});
