import { expect, test } from 'vitest';
import { factsFromJson, toJsonText } from './json-shapes.js';

test('facts come back as they were printed', () => {
  const facts = {
    epoch: 2,
    promise: { epoch: 3, tli: 2, lsn: 0x1_0000_0148n },
    promising: 4,
    stopped: { belowEpoch: 3, finalLsn: 7n },
    confirmedSetting: 4,
    streams: [1, 3],
    upstream: { node: 1, streaming: false, closed: true, refused: true },
    promoted: { epoch: 2, tli: 2, switchpoint: 5n },
    abandoned: 'the target is late',
    waitingFor: 'a walreceiver to end',
  };
  expect(factsFromJson(JSON.parse(toJsonText(facts)))).toEqual(facts);
});

test('nobody is another leader than one that is not known', () => {
  for (const facts of [{ leader: 3 }, { leader: null }, {}]) expect(factsFromJson(facts)).toEqual(facts);
});

test.each([
  null,
  [],
  'facts',
  {
    epoch: '2',
    promise: { epoch: 3, tli: 2 },
    stopped: {},
    upstream: { streaming: true },
    streams: ['1'],
    abandoned: 1,
  },
  { promise: { epoch: 3, tli: 2, lsn: 'here' }, promoted: [], fromTheFuture: { a: 1 } },
])('what is not of the known shape counts as absent: %j', (json) => {
  expect(factsFromJson(json)).toEqual({});
});
