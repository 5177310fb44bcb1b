import { connect } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { FormationContainer, type StartedFormation } from '@pgaf/testing';
import { newRun, removeRun, sweepContainers } from '@pgaf/testing/container-engine';
import { until } from '@pgaf/testing/deadline';
import { labelsOf } from '@pgaf/testing/owner-labels';
import { citus } from '@pgaf/plugin-citus/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { citusImageOfCheckout, whyNoCitusInDocker } from './image-of-checkout.js';

const noCitus = whyNoCitusInDocker();

const ROWS = 40;
const WAIT_MS = 180_000;

describe.skipIf(noCitus !== null)('a Citus formation for other people’s suites', () => {
  const run = newRun();
  let formation: StartedFormation;

  beforeAll(async () => {
    await sweepContainers();
    formation = await new FormationContainer(citus({ workers: 1 }))
      .withImage(await citusImageOfCheckout())
      .withLabels(labelsOf(run))
      .start();
  }, 240_000);
  afterAll(() => removeRun(run), 60_000);

  const onCoordinator = async (statement: string): Promise<unknown[]> => {
    const uri = parseConnInfo(await formation.getPrimaryConnectionUri());
    const client = await connect(uri, { connectTimeoutMs: 5000, session: { statement_timeout: 10_000 } });
    try {
      return (await client.query<{ answer: unknown }>(statement)).rows.map(({ answer }) => answer);
    } finally {
      await client.end();
    }
  };

  it('is stable when it has started, and has its worker', async () => {
    const states = (await formation.getStates()).map(({ name, reported }) => `${name} ${reported}`);
    const pairs = ['coord0', 'worker1'].map((pair) => [`${pair}a primary`, `${pair}b secondary`]);
    expect(states.sort()).toEqual(pairs.flat());
    const workers =
      'SELECT nodename AS answer FROM pg_dist_node WHERE groupid > 0 AND isactive ORDER BY groupid';
    expect(await onCoordinator(workers)).toEqual(['worker1a']);
  }, 60_000);

  it('has the rows of a worker that is killed', async () => {
    await onCoordinator('CREATE TABLE orders (id int PRIMARY KEY)');
    await onCoordinator(`SELECT create_distributed_table('orders', 'id')`);
    await onCoordinator(`INSERT INTO orders SELECT generate_series(1, ${ROWS})`);
    const places = `SELECT DISTINCT nodename AS answer FROM citus_shards WHERE table_name = 'orders'::regclass ORDER BY 1`;
    expect(await onCoordinator(places)).toEqual(['worker1a']);

    const worker = await formation.getPrimary(1);
    expect(worker.getNodeName()).toBe('worker1a');
    await worker.kill();
    await formation.waitForState('worker1b', 'wait_primary', WAIT_MS);
    const count = 'SELECT count(*)::int AS answer FROM orders';
    const wait = {
      what: 'the rows of the worker',
      deadlineMs: WAIT_MS,
      seen: () => formation.describe(),
    };
    expect(await until(wait, () => onCoordinator(count))).toEqual([ROWS]);
    await worker.boot();
    await formation.waitUntilStable(WAIT_MS);
  }, 400_000);
});
