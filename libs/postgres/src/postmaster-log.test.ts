import { setTimeout as sleep } from 'node:timers/promises';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { expect, test } from 'vitest';
import { adoptPostmaster } from './postmaster.js';
import { collectorDrained, postmasterLastLines } from './postmaster-log.js';
import { argumentsOf, postgresProcessesOf } from './processes.js';
import { stopPostmaster } from './stop-postmaster.js';
import { newPrimary, start, within } from './testing/servers.js';

test('the last lines of a dead postmaster are read after its collector has written them', async () => {
  const one = await newPrimary();
  await stopPostmaster(one.pgdata, { mode: 'fast' });
  await start({ ...one, startOptions: { ...one.startOptions, settings: { logging_collector: 'on' } } });
  const collector = postgresProcessesOf(one.pgdata).find((facts) =>
    argumentsOf(facts.pid)[0]?.includes('logger'),
  );
  const postmaster = await adoptPostmaster(one.pgdata);
  const collectorPid = pidOf(collector);
  process.kill(collectorPid, 'SIGSTOP');
  await one.client.query(`DO $$ BEGIN RAISE LOG 'last words'; END $$`);
  process.kill(pidOf(postmaster), 'SIGKILL');
  await within(10_000, () => (postgresProcessesOf(one.pgdata).length === 1 ? true : undefined));
  const lines = collectorDrained(one.pgdata).then(() =>
    postmasterLastLines(one.pgdata, one.startOptions.logFile, 0),
  );
  // Time for a reader that does not wait to read too early; the right one only loses it.
  await Promise.race([lines, sleep(100)]);
  process.kill(collectorPid, 'SIGCONT');
  expect(await lines).toContain('last words');
});
