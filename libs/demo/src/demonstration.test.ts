import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '@pgaf/logging/logger';
import { demonstrate, type Demonstration } from './demonstration.js';
import { readMeasurements } from './measurements.js';
import { ping } from './ping.js';
import { TwoServers } from './testing/two-servers.js';
import { withSession } from './demo-session.js';

let servers: TwoServers;
const lines: string[] = [];

beforeAll(async () => {
  servers = await TwoServers.start();
});
afterAll(() => servers?.destroy());

function demonstration(more: Partial<Demonstration>): Demonstration {
  const destination = { write: (line: string) => lines.push((JSON.parse(line) as { msg: string }).msg) };
  return {
    target: servers.target,
    clients: 1,
    duration: 1000,
    failovers: [],
    failOver: () => servers.failOver(),
    log: createLogger({ level: 'info', format: 'json', destination }),
    signal: new AbortController().signal,
    ...more,
  };
}

const sql = (statement: string) => withSession(servers.target, async (session) => session.query(statement));

it('has nothing to show before it has run, and answers a ping where writes are taken', async () => {
  await expect(readMeasurements(servers.target)).rejects.toMatchObject({ code: 'no-demo', exit: 3 });
  const { port, recovery, took } = await ping(servers.target);
  expect({ port, recovery }).toEqual({ port: servers.target.hosts[1]?.port, recovery: false });
  expect(took).toBeGreaterThan(0);
});

it('leaves a schema alone that somebody else has under that name', async () => {
  await sql('CREATE SCHEMA demo');
  await sql('CREATE TABLE demo.orders AS SELECT 1');
  await expect(demonstrate(demonstration({}))).rejects.toMatchObject({
    code: 'not-the-demo',
    message: 'The schema "demo" has what is not of the demonstration: "orders".',
  });
  expect((await sql('SELECT FROM demo.orders')).rowCount).toBe(1);
  await sql('DROP SCHEMA demo CASCADE');
});

it('says what the role must be allowed', async () => {
  await sql('CREATE ROLE nobody LOGIN');
  const target = { ...servers.target, user: 'nobody' };
  await expect(demonstrate(demonstration({ target }))).rejects.toMatchObject({
    code: 'not-the-demo',
    hint: expect.stringContaining('--username'),
  });
});

it('ends early when it is told to, with what it has', async () => {
  const end = new AbortController();
  setTimeout(() => end.abort(), 500);
  const began = performance.now();
  const { acknowledged, found } = await demonstrate(
    demonstration({ duration: 600_000, failovers: [500_000], signal: end.signal }),
  );
  expect(performance.now() - began).toBeLessThan(60_000);
  expect(found).toBe(acknowledged);
});

it('writes on through a failover, loses nothing, and measures what it took', async () => {
  lines.length = 0;
  const { acknowledged, found } = await demonstrate(
    demonstration({ clients: 3, duration: 8000, failovers: [1500] }),
  );
  expect(acknowledged, lines.join('\n')).toBeGreaterThan(10);
  expect(found).toBe(acknowledged);
  expect((await ping(servers.target)).port).toBe(servers.target.hosts[0]?.port);
  const { clients, histogram } = await readMeasurements(servers.target);
  expect(clients.map(({ client }) => client)).toEqual([1, 2, 3, null]);
  const [all] = clients.slice(-1);
  expect(all?.connections).toBe(found);
  expect(all?.retries, lines.join('\n')).toBeGreaterThan(0);
  expect(histogram.reduce((sum, { frequency }) => sum + frequency, 0)).toBe(found);
  expect(histogram[0]?.min).toBe(all?.min);
  expect(histogram.at(-1)?.max).toBe(all?.max);
  const { rows } = await sql('SELECT client, failover_count FROM demo.client ORDER BY client');
  expect(rows).toEqual([1, 2, 3].map((client) => ({ client, failover_count: 1 })));
  for (const said of [
    /^Client 2 is using a retry policy with initial sleep time \d+ ms and a retry time capped at \d+ ms$/,
    /^Client 1 connected 1 times in less than \d+ ms, before first failover$/,
    /^"the standby" is the primary, .* after the order$/,
    /^Client \d attempted to connect during a failover, and had to attempt \d+ times which took [\d.]+ ms/,
    /^Client 3 connected on first attempt \d+ times with a maximum connection time of \d+ ms$/,
    /^Client \d attempted to connect during a failover \d+ times with a maximum connection time of \d+ ms and a total number of \d+ retries$/,
  ])
    expect(
      lines.some((line) => said.test(line)),
      `${said} in\n${lines.join('\n')}`,
    ).toBe(true);
});

it('goes on when a failover is refused', async () => {
  lines.length = 0;
  const { acknowledged, found } = await demonstrate(
    demonstration({
      duration: 1000,
      failovers: [200],
      failOver: () => Promise.reject(new Error('there is no standby')),
    }),
  );
  expect(lines).toContain('The failover has failed');
  expect(found).toBe(acknowledged);
});
