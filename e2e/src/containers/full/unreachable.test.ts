import { ContainerNetwork } from '@pgaf/testing/container-network';
import { whyNoContainers } from '@pgaf/testing/container-support';
import { Formation } from '@pgaf/testing/formation';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whileWriting } from '../../while-writing.js';

const noContainers = await whyNoContainers();

/** From the loss of a host to the next acknowledged commit. */
const REPLACED_WITHIN = 9000;

describe.skipIf(noContainers !== null)('a formation in containers', { timeout: 180_000 }, () => {
  let network: ContainerNetwork;
  let formation: Formation;

  beforeAll(async () => {
    network = await ContainerNetwork.make();
    formation = await Formation.create({ nodes: 2, containers: network });
    await network.prepareCuts();
  }, 180_000);
  afterAll(async () => {
    await formation?.dispose();
    await network?.remove();
  }, 60_000);
  afterEach(() => network.heal());

  it('replaces a primary that nobody reaches within the budget, and takes it back', async () => {
    const primary = await formation.primary();
    const standby = await formation.standby();
    const { outage } = await whileWriting(
      formation,
      async (writer) => {
        await network.isolate(primary.host);
        await formation.waitForState(standby.host.name, 'wait_primary');
        await writer.untilWriting();
        await network.heal();
        await formation.waitForState(primary.host.name, 'secondary');
      },
      { answerWithinMs: 2000 },
    );
    expect(outage.ms).toBeLessThan(REPLACED_WITHIN);
  });

  it('replaces a primary whose container is paused, and takes it back when it goes on', async () => {
    const primary = await formation.primary();
    const standby = await formation.standby();
    const { outage } = await whileWriting(
      formation,
      async (writer) => {
        await primary.host.freeze();
        try {
          await formation.waitForState(standby.host.name, 'wait_primary');
          await writer.untilWriting();
        } finally {
          await primary.host.thaw();
        }
        await formation.waitForState(primary.host.name, 'secondary');
      },
      { answerWithinMs: 2000 },
    );
    expect(outage.ms).toBeLessThan(REPLACED_WITHIN);
  });

  it('has the node of a container that was switched off back, with its data, under its address', async () => {
    const primary = await formation.primary();
    const standby = await formation.standby();
    await whileWriting(formation, async (writer) => {
      await network.powerCycle(primary.host.name);
      await formation.waitForState(standby.host.name, 'wait_primary');
      await writer.untilWriting();
      await formation.restart(primary);
      await formation.waitForState(primary.host.name, 'secondary');
    });
  });
});
