import { connect, destroy } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Milliseconds } from '@pgaf/core/durations';
import { ContainerNetwork } from '@pgaf/testing/container-network';
import { whyNoContainers } from '@pgaf/testing/container-support';
import type { Formation, Member } from '@pgaf/testing/formation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  coordinatorUri,
  layOutCitus,
  onCoordinator,
  primaryOfGroup,
  standbyOfGroup,
  startCitusPairs,
} from '../../citus/citus-formation.js';
import { citusVersion } from '../../citus/real-citus.js';
import { RepeatedStatement } from '../../citus/repeated-statement.js';

const image = process.env['PGAF_CITUS_IMAGE'] ?? 'pgaf-citus:15';
const version = await citusVersion();
const noContainers = version === null ? null : await whyNoContainers(image);

/** From the pause to the next success; a container may not end connections of its Postgres, so that it is by force. */
const BACK_WITHIN: Milliseconds = 20_000;
/** A client cannot know that its coordinator is paused. */
const ANSWER_WITHIN: Milliseconds = 2000;
const GO_ON_WITHIN: Milliseconds = 60_000;

/** Its processes stop; the engine’s kernel acknowledges what is sent to it. */
describe.skipIf(version === null || noContainers !== null)(
  'a Citus formation in containers',
  { timeout: 180_000 },
  () => {
    let network: ContainerNetwork;
    let formation: Formation;
    beforeAll(async () => {
      network = await ContainerNetwork.make({ image });
      formation = await layOutCitus(1, 0, { containers: network });
      await startCitusPairs(formation);
      await onCoordinator(formation, async (client) => {
        await client.query('CREATE TABLE rows (id int PRIMARY KEY, note text)');
        await client.query(`SELECT create_distributed_table('rows', 'id')`);
        await client.query('INSERT INTO rows SELECT generate_series(1, 4)');
      });
    }, 180_000);
    afterAll(async () => {
      await formation?.dispose();
      await network?.remove();
    }, 60_000);

    const note = (text: string): string => `UPDATE rows SET note = '${text}' WHERE id = 1`;

    /** The longest time without a success of a statement about the row, of a client that goes on. */
    const whilePaused = async (
      { host }: Member,
      standby: Member,
      statement: RepeatedStatement,
      justBefore: () => Promise<void> = () => Promise.resolve(),
    ): Promise<Milliseconds> => {
      const goesOn = async (): Promise<void> => {
        const before = statement.successes;
        const isOn = () => Promise.resolve(statement.successes > before + 3);
        await formation.wait('the statement to succeed', isOn, undefined, GO_ON_WITHIN);
      };
      try {
        await goesOn();
        await justBefore();
        await host.freeze();
        await formation.waitForState(standby.host.name, 'wait_primary');
        await goesOn();
      } finally {
        await host.thaw();
      }
      const { stall } = await statement.stop();
      console.log(`${host.name} paused: no success for ${stall} ms`);
      await formation.waitForState(host.name, 'secondary', GO_ON_WITHIN);
      await formation.waitUntilStable();
      return stall;
    };

    it('has the shards of a worker back whose container is paused, for a client that waits without an end', async () => {
      const statement = new RepeatedStatement(coordinatorUri(formation), note('a'));
      const [lost, standby] = [await primaryOfGroup(formation, 1), await standbyOfGroup(formation, 1)];
      expect(await whilePaused(lost, standby, statement)).toBeLessThan(BACK_WITHIN);
    });

    it('goes on with another coordinator while the first one’s container is paused, also where that one holds rows', async () => {
      const statement = new RepeatedStatement(coordinatorUri(formation), note('b'), ANSWER_WITHIN);
      const [lost, standby] = [await primaryOfGroup(formation, 0), await standbyOfGroup(formation, 0)];
      const holder = await connect(parseConnInfo(coordinatorUri(formation)), {
        connectTimeoutMs: ANSWER_WITHIN,
      });
      holder.on('error', () => undefined);
      const stall = await whilePaused(lost, standby, statement, async () => {
        await holder.query('BEGIN');
        await holder.query(note('held'));
      });
      destroy(holder);
      expect(stall).toBeLessThan(BACK_WITHIN);
    });
  },
);
