import { sendSignal } from '@pgaf/testing/end-processes';
import { Formation } from '@pgaf/testing/formation';
import { postmasterOf } from '@pgaf/testing/postmaster';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectToPrimary, onPrimary } from './connect-to.js';
import { whileWriting } from './while-writing.js';

let formation: Formation;
beforeAll(async () => {
  formation = await Formation.create({ nodes: 2 });
});
afterAll(() => formation?.dispose());

const BUSY_MS = 10_000;

/** Works for that long without a pause, then writes one row. */
const WORK = `DO $$
DECLARE over timestamptz := clock_timestamp() + interval '${BUSY_MS} ms';
BEGIN
  WHILE clock_timestamp() < over LOOP NULL; END LOOP;
  INSERT INTO busy VALUES (1);
END $$`;

it('a backend that outlives its postmaster holds up no restart, and its commit is neither lost nor doubled', async () => {
  const client = await connectToPrimary(formation);
  client.on('error', () => undefined);
  await client.query('CREATE TABLE busy (i int)');
  const [backend] = (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows;
  const { outage } = await whileWriting(formation, async (writer) => {
    const primary = await formation.primary();
    const begun = performance.now();
    const acknowledged = client.query(WORK).then(
      () => 1,
      () => 0,
    );
    const watch = await connectToPrimary(formation);
    watch.on('error', () => undefined);
    await formation.wait('the backend to be busy', async () => {
      const { rows } = await watch.query(`SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active'`, [
        backend?.pid,
      ]);
      return rows.length === 1;
    });
    const killed = postmasterOf(primary.host);
    sendSignal(killed, 'SIGKILL');
    await writer.untilWriting();
    expect(performance.now() - begun, 'the busy one would still be at work').toBeLessThan(BUSY_MS);
    await formation.wait('another postmaster', () => Promise.resolve(postmasterOf(primary.host) !== killed));
    expect((await formation.primary()).host.name).toBe(primary.host.name);

    const known = await acknowledged;
    const { rows } = await onPrimary(formation, (after) =>
      after.query<{ n: number }>('SELECT count(*)::int AS n FROM busy'),
    );
    expect(rows[0]?.n).toBe(known);
  });
  expect(outage.ms).toBeLessThan(BUSY_MS / 2);
});
