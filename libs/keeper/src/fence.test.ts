import { readFileSync, readdirSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clientsAreRejected } from '@pgaf/postgres/closed-hba';
import { findPostmaster } from '@pgaf/postgres/find-postmaster';
import { localClient } from '@pgaf/postgres/query';
import { watchdogsOf } from '@pgaf/postgres/watchdog';
import { atRest, killNode, killPostmaster, twoNodes, until, type TestNode } from './testing/test-nodes.js';

const LEASE = 3000;

async function pidOf({ config }: TestNode): Promise<number | undefined> {
  return (await findPostmaster(config.pgdata))?.pid;
}

test('the monitor alone that is away stops no primary; without a standby, too, it is fenced until it is back', async () => {
  const { monitor, first, second } = await twoNodes({ leaseLength: LEASE });
  const pid = await pidOf(first);
  monitor.unreachable.add(1);
  const awaySince = performance.now();
  await until('it was away for three leases', monitor, () => performance.now() - awaySince > 3 * LEASE);
  expect(await pidOf(first)).toBe(pid);

  monitor.unreachable.add(2);
  await killNode(second);
  const aloneSince = performance.now();
  const fenced = () => first.lines.some((line) => line.includes('The lease of this primary is over'));
  await until('it is fenced', monitor, fenced, 30_000);
  expect(performance.now() - aloneSince).toBeLessThan(LEASE + 2500);
  await until('it runs without clients', monitor, () => clientsAreRejected(first.config.pgdata), 30_000);

  monitor.unreachable.clear();
  second.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  expect(monitor.group.epoch).toBe(1);
});

test('who waits for a standby does not get on when its primary is fenced', async () => {
  const { monitor, first, second } = await twoNodes({ leaseLength: LEASE });
  const { socketDirectory, port, pgdata } = first.config;
  const client = localClient({ socketDirectory, port, database: 'postgres', statementTimeoutMs: 0 });
  for (const id of [1, 2]) monitor.unreachable.add(id);
  await killNode(second);
  const ended = client.query('CREATE TABLE t ()').then(
    () => 'it was committed',
    () => 'it has no answer',
  );
  await until('it is fenced', monitor, () => clientsAreRejected(pgdata), 30_000);
  expect(await ended).toBe('it has no answer');
  await client.close();
  // By what a fast stop says, its commit went on, to all that comes after a commit.
  const logs = readdirSync(join(pgdata, 'log')).map((file) =>
    readFileSync(join(pgdata, 'log', file), 'utf8'),
  );
  expect(logs.join('\n')).not.toContain('canceling the wait for synchronous replication');
  monitor.unreachable.clear();
  second.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
});

test('an answer of the monitor from before a lease opens no primary that could not start until now', async () => {
  const { monitor, first, second } = await twoNodes({ leaseLength: LEASE });
  // Postgres starts in no directory that others can read.
  await chmod(first.config.pgdata, 0o755);
  await Promise.all([killPostmaster(first), killNode(second)]);
  await until('it is to go on alone, and cannot start', monitor, () => {
    const { goal, report } = monitor.node(1);
    return goal === 'wait_primary' && (report.facts.waitingFor?.includes('did not start') ?? false);
  });
  monitor.unreachable.add(1);
  const awaySince = performance.now();
  await until('it was away for two leases', monitor, () => performance.now() - awaySince > 2 * LEASE);
  await chmod(first.config.pgdata, 0o700);
  const waits = () => first.keeper?.waitingFor?.includes('confirm that this node is still the primary');
  await until('it waits for the monitor', monitor, () => waits() ?? false);
  expect(await pidOf(first)).toBeUndefined();

  monitor.unreachable.clear();
  second.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
});

test('a primary whose commits wait for nobody is not fenced', async () => {
  const { monitor, first, second } = await twoNodes({ leaseLength: LEASE });
  await killNode(second);
  await atRest(monitor, { 1: 'wait_primary' });
  await until('its setting is confirmed', monitor, () => monitor.group.settingsInForce.length === 1);
  const pid = await pidOf(first);
  monitor.unreachable.add(1);
  const awaySince = performance.now();
  await until(
    'the monitor was away for two leases',
    monitor,
    () => performance.now() - awaySince > 2 * LEASE,
  );
  expect(await pidOf(first)).toBe(pid);
});

test('Postgres outlives the keeper of a primary for no longer than its lease, and the next keeper is in time', async () => {
  const { monitor, first } = await twoNodes({ leaseLength: LEASE });
  await until('a watchdog is there', monitor, () => watchdogsOf(first.config.pgdata).length === 1);
  const pid = await pidOf(first);
  await first.end('handOff');
  first.run();
  await until('it has reported', monitor, () => monitor.node(1).seen.session === 'open');
  expect(await pidOf(first)).toBe(pid);

  await first.end('handOff');
  const since = performance.now();
  await until('Postgres is stopped', monitor, async () => (await pidOf(first)) === undefined, 30_000);
  expect(performance.now() - since).toBeGreaterThan(LEASE - 1500);
  await until('its watchdog has ended', monitor, () => watchdogsOf(first.config.pgdata).length === 0);
});

test('a watchdog that is killed is replaced, and one is not left behind by a Postgres that is stopped', async () => {
  const { monitor, first } = await twoNodes({ leaseLength: LEASE });
  const dogs = (): number[] => watchdogsOf(first.config.pgdata).map(({ pid }) => pid);
  await until('a watchdog is there', monitor, () => dogs().length === 1);
  const [killed] = dogs();
  process.kill(killed ?? 0, 'SIGKILL');
  await until('another one is there', monitor, () => dogs().length === 1 && dogs()[0] !== killed);
  await first.end('quick');
  await until('none is left', monitor, () => dogs().length === 0);
});
