import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { expect, test } from 'vitest';
import { finalLsn } from '@pgaf/postgres/final-lsn';
import { postmasterStatus } from '@pgaf/postgres/postmaster';
import { atRest, twoNodes, until, type TestNode } from './testing/test-nodes.js';

const ROWS = 75;

async function rows(node: TestNode): Promise<number> {
  const [row] = await node.sql.query<{ n: number }>('SELECT count(*)::int AS n FROM t');
  return row?.n ?? -1;
}

async function timed(work: Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work;
  return performance.now() - begun;
}

test('a primary that is told to stop hands over first, and comes back as a standby', async () => {
  const { monitor, first, second } = await twoNodes();
  await first.sql.query(`CREATE TABLE t AS SELECT generate_series(1, ${ROWS}) AS i`);
  expect(await timed(first.end('orderly'))).toBeLessThan(5000);
  await until('node 2 takes writes', monitor, () => monitor.node(2).reported === 'wait_primary');
  expect(monitor.events.join()).toContain('1 -> draining by handover.leave');
  expect(await rows(second)).toBe(ROWS);
  first.run();
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  expect(first.lines.some((line) => line.includes('Rewound'))).toBe(false);
});

test.each([
  ['the primary alone', [0], { 1: 'wait_primary' }],
  ['the standby alone', [1], { 2: 'wait_primary' }],
  ['the primary first', [0, 1], { 1: 'primary', 2: 'secondary' }],
  ['the standby first', [1, 0], { 1: 'secondary', 2: 'primary' }],
] as const)('both nodes are stopped at once, and %s comes back', async (_, order, states) => {
  const { monitor, first, second } = await twoNodes();
  const nodes = [first, second];
  await first.sql.query(`CREATE TABLE t AS SELECT generate_series(1, ${ROWS}) AS i`);
  expect(await timed(Promise.all(nodes.map((node) => node.end('orderly'))))).toBeLessThan(5000);
  for (const place of order) {
    nodes[place]?.run();
    const id = place + 1;
    if (place === order[0])
      await until('it takes writes', monitor, () => monitor.node(id).reported === 'wait_primary');
  }
  await atRest(monitor, states);
  for (const place of order) {
    const node = nodes[place];
    if (node) await until('the rows are there', monitor, async () => (await rows(node)) === ROWS);
  }
});

test('a standby that is told to stop goes on until no commit waits for it', async () => {
  const { monitor, second } = await twoNodes();
  let early: string | null = null;
  let ended = false;
  void second.end('orderly').then(() => (ended = true));
  await until('the keeper has ended', monitor, async () => {
    const status = await postmasterStatus(second.config.pgdata);
    const primary = monitor.node(1).reported;
    if (status !== 'ready' && primary !== 'wait_primary') early ??= `${status} while node 1 is ${primary}`;
    return ended;
  });
  expect(early).toBeNull();
});

test('a stop that is told without a monitor takes no longer, and is no handover', async () => {
  const { monitor, first } = await twoNodes();
  monitor.unreachable.add(1);
  expect(await timed(first.end('orderly'))).toBeLessThan(5000);
  monitor.unreachable.delete(1);
  first.run();
  await until(
    'one takes writes again',
    monitor,
    () =>
      monitor.isAtRest({ 1: 'primary', 2: 'secondary' }) ||
      monitor.isAtRest({ 1: 'secondary', 2: 'primary' }),
  );
});

test('a monitor that misses some reports of a primary that leaves still hands over', async () => {
  const { monitor, first, second } = await twoNodes();
  await first.sql.query(`CREATE TABLE t AS SELECT generate_series(1, ${ROWS}) AS i`);
  monitor.missed.set(1, 4);
  await first.end('orderly');
  expect(monitor.events.join()).toContain('1 -> draining by handover.leave');
  await until('node 2 takes writes', monitor, () => monitor.node(2).reported === 'wait_primary');
  expect(await rows(second)).toBe(ROWS);
});

test('the last word of a primary is repeated until the monitor has heard it', async () => {
  const { monitor, first } = await twoNodes();
  monitor.missed.set(1, 4);
  await first.end('immediate');
  expect(monitor.missed.get(1)).toBe(0);
  expect(monitor.node(1).report.facts.stopped).toMatchObject({ finalLsn: expect.any(BigInt) });
});

test('a standby that hangs holds up the stop of its primary for no longer than a handover may take', async () => {
  const { monitor, first, second } = await twoNodes();
  // What would end the stream after a while is out of the way.
  await first.sql.query(`ALTER SYSTEM SET wal_sender_timeout = 0`);
  await first.sql.query(`SELECT pg_reload_conf()`);
  const [receiver] = await second.sql.query<{ pid: number }>('SELECT pid FROM pg_stat_wal_receiver');
  await freezeAtRest(pidOf(receiver));
  try {
    expect(await timed(first.end('orderly'))).toBeLessThan(5000);
  } finally {
    process.kill(pidOf(receiver), 'SIGCONT');
  }
  expect(monitor.node(1).report.facts.stopped).toMatchObject({ finalLsn: expect.any(BigInt) });
  expect(await postmasterStatus(first.config.pgdata)).toBe('stopped');
  first.run();
  await until(
    'both are back',
    monitor,
    () =>
      monitor.isAtRest({ 1: 'primary', 2: 'secondary' }) ||
      monitor.isAtRest({ 1: 'secondary', 2: 'primary' }),
  );
});

test('a primary that is stopped fast stops its Postgres cleanly, and tells nobody', async () => {
  const { monitor, first } = await twoNodes();
  monitor.seesNothing = true;
  await first.end('quick');
  const { pgdata, bindir } = first.config;
  expect(await postmasterStatus(pgdata)).toBe('stopped');
  expect(await finalLsn(bindir, pgdata)).toEqual(expect.any(BigInt));
  const { report, reported } = monitor.node(1);
  expect(reported).toBe('primary');
  expect(report.postgresRunning).toBe(true);
  expect(report.facts.leaving ?? false).toBe(false);
});

test('a primary that is stopped at once says where its WAL ends, so that the standby takes over at once', async () => {
  const { monitor, first, second } = await twoNodes();
  await first.sql.query(`CREATE TABLE t AS SELECT generate_series(1, ${ROWS}) AS i`);
  // Of no use to the monitor: what was said must suffice.
  monitor.seesNothing = true;
  await first.end('immediate');
  const { stopped } = monitor.node(1).report.facts;
  expect(stopped).toMatchObject({ belowEpoch: 2, finalLsn: expect.any(BigInt), cutShort: true });
  await until('node 2 takes writes', monitor, () => monitor.node(2).reported === 'wait_primary');
  expect(await rows(second)).toBe(ROWS);
  monitor.seesNothing = false;
  first.run();
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
});
