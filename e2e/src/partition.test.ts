import { connect, destroy } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { Formation, type Member } from '@pgaf/testing/formation';
import { Network } from '@pgaf/testing/network';
import { whyNoNetwork } from '@pgaf/testing/network-support';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { onNode } from './connect-to.js';
import { whileWriting } from './while-writing.js';

const noNetwork = await whyNoNetwork();
if (noNetwork) process.stderr.write(`no network namespaces here: ${noNetwork}\n`);

/** From the loss of a host to the next acknowledged commit, on a machine that others use as well. */
const REPLACED_WITHIN = 15_000;
/** What a client may wait while nothing but a connection that it does not need is cut, on such a machine. */
const UNTOUCHED_WITHIN = 4000;
/** A standby that is away, or cut off from the primary alone, holds no write for longer. */
const STANDBY_GIVEN_UP_WITHIN = 12_000;
/** Longer than a lease with its margin, and than any wait for a silent node. */
const LONG_AFTER_SECONDS = 12;

describe.skipIf(noNetwork !== null)('a network that is cut', { timeout: 180_000 }, () => {
  let network: Network;
  let formation: Formation;
  let primary: Member;
  let standby: Member;
  let primarySince: string | undefined;

  beforeAll(async () => {
    network = await Network.make();
    formation = await Formation.create({ nodes: 2, network });
  });
  afterAll(async () => {
    await formation?.dispose();
    await network?.remove();
  });
  afterEach(() => network.heal());

  const whilePrimaryAndStandby = async (scenario: Parameters<typeof whileWriting>[1]) => {
    primary = await formation.primary();
    standby = await formation.standby();
    primarySince = await startOf(primary);
    return whileWriting(formation, scenario, { answerWithinMs: 2000 });
  };

  const isPrimaryStill = async () => {
    const shown = await formation.describe();
    expect((await formation.primary()).host.name, shown).toBe(primary.host.name);
    expect(await startOf(primary), 'its Postgres went on').toBe(primarySince);
  };

  /** Until the monitor has heard nothing of the node for long. */
  const longSilent = (member: Member) =>
    formation.wait(`a long silence of ${member.host.name}`, async () => {
      const [row] = await formation.probe.query(
        `SELECT FROM pgautofailover.node WHERE nodename = $1 AND reporttime < now() - $2 * interval '1 s'`,
        [member.host.name, LONG_AFTER_SECONDS],
      );
      return row !== undefined;
    });

  it('between monitor and primary moves nothing while the standby streams', async () => {
    const { outage } = await whilePrimaryAndStandby(async (writer) => {
      network.cut(primary.host, formation.monitor.host);
      await longSilent(primary);
      await writer.untilWriting();
      network.heal();
    });
    await isPrimaryStill();
    expect(outage.ms).toBeLessThan(UNTOUCHED_WITHIN);
  });

  it('from monitor to primary, one way, moves nothing while the standby streams', async () => {
    const { outage } = await whilePrimaryAndStandby(async (writer) => {
      network.cutOneWay(formation.monitor.host, primary.host);
      await longSilent(primary);
      await writer.untilWriting();
      network.heal();
    });
    await isPrimaryStill();
    expect(outage.ms).toBeLessThan(UNTOUCHED_WITHIN);
  });

  it('around the primary lets the standby take over, and the old one follow it once it is mended', async () => {
    const { outage } = await whilePrimaryAndStandby(async (writer) => {
      network.isolate(primary.host);
      await formation.waitForState(standby.host.name, 'wait_primary');
      await writer.untilWriting();
      network.heal();
      await formation.waitForState(primary.host.name, 'secondary');
    });
    expect(outage.ms).toBeLessThan(REPLACED_WITHIN);
  });

  it('between the primary and both others closes it before the standby opens, also to clients that reach it', async () => {
    const { outage } = await whilePrimaryAndStandby(async (writer) => {
      network.cut(primary.host, formation.monitor.host);
      network.cut(primary.host, standby.host);
      await formation.wait('the standby to take writes', () => takesWrites(standby));
      expect(await takesWrites(primary), await formation.describe()).toBe(false);
      await writer.untilWriting();
      network.heal();
      await formation.waitForState(primary.host.name, 'secondary');
    });
    expect(outage.ms).toBeLessThan(REPLACED_WITHIN);
  });

  it('of all that the primary sends, one way, lets the standby take over', async () => {
    const { outage } = await whilePrimaryAndStandby(async (writer) => {
      network.cutOneWay(primary.host, formation.monitor.host);
      network.cutOneWay(primary.host, standby.host);
      network.cutOneWay(primary.host, network.test);
      await formation.waitForState(standby.host.name, 'wait_primary');
      await writer.untilWriting();
      network.heal();
      await formation.waitForState(primary.host.name, 'secondary');
    });
    expect(outage.ms).toBeLessThan(REPLACED_WITHIN);
  });

  it.each(['both ways', 'from the primary', 'from the standby'])(
    'between primary and standby, %s, gives the standby up and takes it back',
    async (direction) => {
      const { outage } = await whilePrimaryAndStandby(async (writer) => {
        if (direction !== 'from the standby') network.cutOneWay(primary.host, standby.host);
        if (direction !== 'from the primary') network.cutOneWay(standby.host, primary.host);
        await formation.waitForState(primary.host.name, 'wait_primary');
        await writer.untilWriting();
        network.heal();
      });
      await isPrimaryStill();
      expect(outage.ms).toBeLessThan(STANDBY_GIVEN_UP_WITHIN);
    },
  );

  describe('between primary and standby, with the policy of durability', () => {
    const policy = async (wanted: string) => {
      const set = await formation.onMonitor(['set', 'formation', 'partition-policy', wanted]);
      expect(set.status, set.stderr).toBe(0);
    };
    beforeAll(() => policy('durability'));
    afterAll(() => policy('availability'));

    /** Until the standby has heard nothing of the primary for longer than the other policy lets commits wait. */
    const longApart = () =>
      formation.wait('a long silence between the two', async () => {
        const [row] = await formation.probe.query(
          `SELECT FROM pgautofailover.node WHERE nodename = $1 AND (facts ->> 'quietFor')::float8 > $2`,
          [standby.host.name, STANDBY_GIVEN_UP_WITHIN],
        );
        return row !== undefined;
      });

    it('makes commits wait until it is mended, and says for whom', async () => {
      const { outage } = await whilePrimaryAndStandby(async (writer) => {
        network.cut(primary.host, standby.host);
        await longApart();
        expect(await isPrimaryStillWaiting(), await formation.describe()).toBe(true);
        const state = await formation.onMonitor(['show', 'state']);
        expect(state.stdout + state.stderr).toContain('commits wait for node');
        network.heal();
        await writer.untilWriting();
      });
      await isPrimaryStill();
      expect(outage.ms).toBeGreaterThan(STANDBY_GIVEN_UP_WITHIN);
    });

    it('lets the standby take over with everything when the primary is lost as well', async () => {
      await whilePrimaryAndStandby(async (writer) => {
        network.cut(primary.host, standby.host);
        await longApart();
        network.isolate(primary.host);
        await formation.waitForState(standby.host.name, 'wait_primary');
        await writer.untilWriting();
        network.heal();
        await formation.waitForState(primary.host.name, 'secondary');
      });
    });

    it('goes on without the standby as soon as an operator changes the policy', async () => {
      await whilePrimaryAndStandby(async (writer) => {
        network.cut(primary.host, standby.host);
        await longApart();
        await policy('availability');
        await formation.waitForState(primary.host.name, 'wait_primary');
        await writer.untilWriting();
        network.heal();
      });
      await isPrimaryStill();
      await policy('durability');
    });

    const isPrimaryStillWaiting = async () =>
      (await formation.states()).every(
        ({ name, reported, goal }) =>
          reported === goal && goal === (name === primary.host.name ? 'primary' : 'catchingup'),
      );
  });

  it('around the standby gives it up and takes it back', async () => {
    const { outage } = await whilePrimaryAndStandby(async (writer) => {
      network.isolate(standby.host);
      await formation.waitForState(primary.host.name, 'wait_primary');
      await writer.untilWriting();
      network.heal();
    });
    await isPrimaryStill();
    expect(outage.ms).toBeLessThan(STANDBY_GIVEN_UP_WITHIN);
  });

  it('around the monitor moves nothing', async () => {
    const { outage } = await whilePrimaryAndStandby(async (writer) => {
      for (const { host } of formation.nodes) network.cut(formation.monitor.host, host);
      await longSilent(primary);
      await writer.untilWriting();
      network.heal();
    });
    await isPrimaryStill();
    expect(outage.ms).toBeLessThan(UNTOUCHED_WITHIN);
  });
});

async function startOf(member: Member): Promise<string | undefined> {
  const { rows } = await onNode(member, (client) =>
    client.query<{ at: string }>('SELECT pg_postmaster_start_time()::text AS at'),
  );
  return rows[0]?.at;
}

/** Whether a client that connects to the node itself, now, could write there. */
async function takesWrites({ host, port }: Member): Promise<boolean> {
  const uri = `postgres://postgres@${host.address}:${port}/postgres?sslmode=prefer`;
  try {
    const client = await connect(parseConnInfo(uri), { connectTimeoutMs: 2000 });
    try {
      const { rows } = await client.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
      return rows[0]?.standby === false;
    } finally {
      destroy(client);
    }
  } catch {
    return false;
  }
}
