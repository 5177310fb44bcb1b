import { expect, test } from 'vitest';
import { checkpoint } from './checkpoint.js';
import { finalLsn } from './final-lsn.js';
import { promote } from './promote.js';
import { rewind } from './rewind.js';
import { stopPostmaster } from './stop-postmaster.js';
import { awaitStreaming, lineOf, newPrimary, newStandby } from './testing/servers.js';
import { reserveTimelines } from './timeline-history.js';

test('two nodes that are promoted at the same position do not make the same timeline, so that one can be rewound', async () => {
  const primary = await newPrimary();
  const lost = await newStandby(primary);
  const other = await newStandby(primary, 3);
  await awaitStreaming(primary, 2);
  await stopPostmaster(primary.pgdata, { mode: 'fast' });
  const switchpoint = await finalLsn(primary.bindir, primary.pgdata);

  expect(await promote(lost.client, lost.pgdata)).toMatchObject({ timeline: 2 });
  await lost.client.query('CREATE TABLE mine AS SELECT 1 AS n');
  await reserveTimelines(other.pgdata, 2);
  const promoted = await promote(other.client, other.pgdata);
  expect(promoted).toMatchObject({ timeline: 3, history: [{ timeline: 1, switchpoint }] });
  await other.client.query('CREATE TABLE theirs AS SELECT 1 AS n');
  await checkpoint(other.server);

  await stopPostmaster(lost.pgdata, { mode: 'fast' });
  const how = await rewind({
    bindir: lost.bindir,
    pgdata: lost.pgdata,
    source: other.upstream,
    sourceLine: await lineOf(other),
    nodeId: 2,
    marker: `${lost.pgdata}.rewind`,
  });
  expect(how).toBe('rewound');
});
