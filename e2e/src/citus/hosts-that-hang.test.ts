import type { Milliseconds } from '@pgaf/core/durations';
import { until } from '@pgaf/testing/deadline';
import type { Formation } from '@pgaf/testing/formation';
import { Network } from '@pgaf/testing/network';
import { whyNoNetwork } from '@pgaf/testing/network-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whatIsLeft } from './chaos/what-is-left.js';
import { CitusClients } from './citus-clients.js';
import {
  coordinatorUri,
  layOutCitus,
  onCoordinator,
  primaryOfGroup,
  standbyOfGroup,
  startCitusPairs,
} from './citus-formation.js';
import { contradictions, makeTables, TENANTS } from './citus-tables.js';
import { OpenTransactions } from './open-transactions.js';
import { citusVersion } from './real-citus.js';
import { RepeatedStatement } from './repeated-statement.js';

const version = await citusVersion();
const noNetwork = version === null ? null : await whyNoNetwork();
if (noNetwork) process.stderr.write(`no network namespaces here: ${noNetwork}\n`);

/** From the loss of a host to the next success on its shards; tests keep the machine busy. */
const BACK_WITHIN: Milliseconds = 20_000;
/** A statement that nobody answers for so long is given up by the client, which cannot know that its node is gone. */
const ANSWER_WITHIN: Milliseconds = 5000;
const GO_ON_WITHIN: Milliseconds = 60_000;
const LEAVES_NOTHING_WITHIN: Milliseconds = 30_000;

/** A coordinator pair and two pairs of workers, each on a host of its own; packets to and from some are dropped. */
describe.skipIf(version === null || noNetwork !== null)(
  'while hosts of a Citus formation hang',
  { timeout: 240_000 },
  () => {
    let network: Network;
    let formation: Formation;
    /** What they were told is of all cases. */
    let clients: CitusClients;
    beforeAll(async () => {
      network = await Network.make();
      formation = await layOutCitus(2, 0, { network });
      await startCitusPairs(formation);
      await onCoordinator(formation, makeTables);
      clients = new CitusClients(coordinatorUri(formation), 1, { answerWithinMs: ANSWER_WITHIN });
    });
    afterAll(async () => {
      await clients?.stop();
      await formation?.dispose();
      await network?.remove();
    });

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

    const nothingIsLeft = async (): Promise<void> => {
      let left: string[] = [];
      const seen = (): string => left.join('\n');
      await until(
        { what: 'nothing to be left', deadlineMs: LEAVES_NOTHING_WITHIN, everyMs: 250, seen },
        async () => (left = await whatIsLeft(formation)).length === 0,
      );
    };

    /** The primaries of groups are struck at once; clients go on, nothing is lost, and nothing is left of it. */
    const whileStruck = async (
      strikes: Readonly<Record<number, 'hangs' | 'is killed'>>,
    ): Promise<Record<number, Milliseconds>> => {
      const groups = Object.keys(strikes).map(Number);
      const primaries = await Promise.all(groups.map((group) => primaryOfGroup(formation, group)));
      const standbys = await Promise.all(groups.map((group) => standbyOfGroup(formation, group)));
      const statements = await Promise.all(
        [1, 2].map(async (group) => {
          const text = await aboutGroup(group);
          return { group, statement: new RepeatedStatement(coordinatorUri(formation), text, ANSWER_WITHIN) };
        }),
      );
      clients.start();
      const met: Record<number, Milliseconds> = {};
      try {
        await clients.untilAllGoOn(5, GO_ON_WITHIN);
        await Promise.all(
          primaries.map(({ host }, i) =>
            strikes[groups[i] ?? 0] === 'hangs' ? network.isolate(host) : host.killEverything(),
          ),
        );
        for (const { host } of standbys) await formation.waitForState(host.name, 'wait_primary');
        await clients.untilAllGoOn(2, GO_ON_WITHIN);
        for (const { group, statement } of statements) met[group] = (await statement.stop()).stall;
      } finally {
        await Promise.all(statements.map(({ statement }) => statement.stop()));
        network.heal();
      }
      console.log(`${JSON.stringify(strikes)}: longest stalls by group ${JSON.stringify(met)} ms`);
      for (const [i, primary] of primaries.entries()) {
        if (strikes[groups[i] ?? 0] === 'is killed') await formation.restart(primary);
        await formation.waitForState(primary.host.name, 'secondary', GO_ON_WITHIN);
      }
      await formation.waitUntilStable();
      await clients.untilAllGoOn(2, GO_ON_WITHIN);
      const told = await clients.stop();
      expect(await onCoordinator(formation, (client) => contradictions(client, told))).toEqual([]);
      await nothingIsLeft();
      return met;
    };

    it('of two workers at once, both groups are back', async () => {
      const stall = await whileStruck({ 1: 'hangs', 2: 'hangs' });
      expect(Math.max(stall[1] ?? Infinity, stall[2] ?? Infinity)).toBeLessThan(BACK_WITHIN);
    });

    it('of a worker and the coordinator at once, both groups are back', async () => {
      const stall = await whileStruck({ 0: 'hangs', 1: 'hangs' });
      expect(stall[1]).toBeLessThan(BACK_WITHIN);
    });

    it('of a worker, its group is back, and another one that was killed does not wait for it', async () => {
      const stall = await whileStruck({ 1: 'hangs', 2: 'is killed' });
      expect(stall[1]).toBeLessThan(BACK_WITHIN);
      expect(stall[2]).toBeLessThan(stall[1] ?? 0);
    });

    /** The kernel of the old coordinator says to the workers that its sessions there are well. */
    it('of a coordinator that is frozen, what its sessions hold on workers is free while it is', async () => {
      const [lost, standby] = [await primaryOfGroup(formation, 0), await standbyOfGroup(formation, 0)];
      const open = await OpenTransactions.prepare(formation);
      const met: Record<string, Milliseconds> = {};
      clients.start();
      try {
        await clients.untilAllGoOn(5, GO_ON_WITHIN);
        await open.whileCommitting(() => lost.host.freeze());
        const frozen = performance.now();
        open.commit();
        await formation.waitForState(standby.host.name, 'wait_primary');
        const promoted = Math.round(performance.now() - frozen);
        await Promise.all(
          Object.entries(open.statements).map(async ([what, statement]) => {
            await formation.wait(`${what} to be free`, () =>
              onCoordinator(formation, async (client) => {
                await client.query(`SET statement_timeout = '2s'`);
                await client.query(statement);
                return true;
              }),
            );
            met[what] = Math.round(performance.now() - frozen);
          }),
        );
        await clients.untilAllGoOn(2, GO_ON_WITHIN);
        console.log(`frozen coordinator, replaced after ${promoted} ms: ${JSON.stringify(met)} ms`);
      } finally {
        await lost.host.thaw();
        open.goOn();
      }
      // They were told to commit before it woke.
      expect(await open.outcomes()).not.toContain('COMMIT');
      open.end();
      expect(Math.max(...Object.values(met))).toBeLessThan(BACK_WITHIN);
      await formation.waitForState(lost.host.name, 'secondary', GO_ON_WITHIN);
      await formation.waitUntilStable();
      const told = await clients.stop();
      expect(await onCoordinator(formation, (client) => contradictions(client, told))).toEqual([]);
      expect(await open.notes()).toEqual(['new', 'new']);
      await nothingIsLeft();
    });
  },
);
