import type { Milliseconds } from '@pgaf/core/durations';
import { until } from '@pgaf/testing/deadline';
import { sendSignal } from '@pgaf/testing/end-processes';
import type { Formation } from '@pgaf/testing/formation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whatIsLeft } from './chaos/what-is-left.js';
import { CitusClients } from './citus-clients.js';
import {
  coordinatorUri,
  layOutCitus,
  nodeUri,
  onCoordinator,
  primaryOfGroup,
  standbyOfGroup,
  startCitusPairs,
} from './citus-formation.js';
import { contradictions, makeTables, TENANTS } from './citus-tables.js';
import { citusVersion } from './real-citus.js';
import { RepeatedStatement, type Repeated } from './repeated-statement.js';

const version = await citusVersion();
/** From the freeze to the next success on its shards; tests keep the machine busy. */
const BACK_WITHIN: Milliseconds = 20_000;
/** How much longer than on the coordinator a statement on another node may take to find the new primary. */
const ELSEWHERE_WITHIN: Milliseconds = 2000;
/** What a client of other groups' shards may wait meanwhile. */
const UNTOUCHED_WITHIN: Milliseconds = 3000;
const GO_ON_WITHIN: Milliseconds = 60_000;
const LEAVES_NOTHING_WITHIN: Milliseconds = 30_000;

/** All its processes stop; its kernel goes on, accepts connections and acknowledges what they bring. */
describe.skipIf(version === null)('a worker whose host is frozen', { timeout: 240_000 }, () => {
  let formation: Formation;
  beforeAll(async () => {
    formation = await layOutCitus(2);
    await startCitusPairs(formation);
    await onCoordinator(formation, makeTables);
  });
  afterAll(() => formation?.dispose());

  /** A statement about one tenant, whose shard is in the group. */
  const aboutGroup = async (group: number): Promise<string> => {
    const tenant = await onCoordinator(formation, async (client) => {
      const { rows } = await client.query<{ tenant: number }>(
        `SELECT tenant FROM generate_series(0, $2) AS tenant JOIN pg_dist_placement ON shardid =
           get_shard_id_for_distribution_column('load_rows', tenant) WHERE groupid = $1 LIMIT 1`,
        [group, TENANTS - 1],
      );
      return rows[0]?.tenant;
    });
    return `UPDATE load_rows SET id = id WHERE tenant = ${tenant} AND id = 0`;
  };

  it('has its shards back while it is frozen, for clients that wait without an end, and others never notice', async () => {
    const [lost, standby] = [await primaryOfGroup(formation, 1), await standbyOfGroup(formation, 1)];
    const worker = await primaryOfGroup(formation, 2);
    const statements = {
      coordinator: new RepeatedStatement(coordinatorUri(formation), await aboutGroup(1)),
      worker: new RepeatedStatement(nodeUri(worker), await aboutGroup(1)),
      otherShards: new RepeatedStatement(coordinatorUri(formation), await aboutGroup(2)),
    };
    const clients = new CitusClients(coordinatorUri(formation), 1);
    const met: Partial<Record<keyof typeof statements, Repeated>> = {};
    const goOn = async (): Promise<void> => {
      const before = Object.values(statements).map(({ successes }) => successes);
      await clients.untilAllGoOn(5, GO_ON_WITHIN);
      await formation.wait('statements on every node to succeed', async () =>
        Object.values(statements).every(({ successes }, i) => successes > (before[i] ?? 0) + 5),
      );
    };
    clients.start();
    let frozen: number[] = [];
    try {
      await goOn();
      frozen = lost.host.processes().map(({ pid }) => pid);
      for (const pid of frozen) sendSignal(pid, 'SIGSTOP');
      await formation.waitForState(standby.host.name, 'wait_primary');
      await goOn();
      for (const [name, statement] of Object.entries(statements))
        met[name as keyof typeof statements] = await statement.stop();
      const told = await clients.stop();
      expect(await onCoordinator(formation, (client) => contradictions(client, told))).toEqual([]);
      await onCoordinator(formation, async (client) => {
        await client.query(`SET statement_timeout = '5s'`);
        // Nobody holds a row, on any node.
        await client.query('UPDATE load_rows SET id = id');
        await client.query('UPDATE load_kinds SET used = used');
      });
    } finally {
      for (const pid of frozen) sendSignal(pid, 'SIGCONT');
      await Promise.all(Object.values(statements).map((statement) => statement.stop()));
      await clients.stop();
    }
    const stalls = Object.entries(met).map(([name, { stall }]) => `${name} ${stall} ms`);
    console.log(`frozen worker, longest stalls: ${stalls.join(', ')}`);
    expect(met.otherShards?.failures).toEqual([]);
    expect(met.otherShards?.stall).toBeLessThan(UNTOUCHED_WITHIN);
    expect(met.coordinator?.stall).toBeLessThan(BACK_WITHIN);
    expect(met.worker?.stall).toBeLessThan((met.coordinator?.stall ?? 0) + ELSEWHERE_WITHIN);
    await formation.waitForState(lost.host.name, 'secondary', GO_ON_WITHIN);
    await formation.waitUntilStable();
    let left: string[] = [];
    const seen = (): string => left.join('\n');
    await until(
      { what: 'nothing to be left', deadlineMs: LEAVES_NOTHING_WITHIN, everyMs: 250, seen },
      async () => (left = await whatIsLeft(formation)).length === 0,
    );
  });
});
