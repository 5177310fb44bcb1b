import { Formation } from '@pgaf/testing/formation';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { whileWriting } from './while-writing.js';

let formation: Formation;
beforeAll(async () => {
  formation = await Formation.create({ nodes: 2 });
});
afterAll(() => formation?.dispose());

it('promotes the standby when every process of the primary is killed, and takes the old one back', async () => {
  await whileWriting(formation, async (writer) => {
    const primary = await formation.primary();
    const standby = await formation.standby();
    await primary.host.killEverything();
    await formation.waitForState(standby.host.name, 'wait_primary');
    await writer.untilWriting();
    await formation.restart(primary);
    await formation.waitUntilStable();
    await formation.waitForState(standby.host.name, 'primary');
    await formation.waitForState(primary.host.name, 'secondary');
  });
});

it('lets writes go on when the standby is killed, and takes it back', async () => {
  await whileWriting(formation, async (writer) => {
    const primary = await formation.primary();
    const standby = await formation.standby();
    await standby.host.killEverything();
    await formation.waitForState(primary.host.name, 'wait_primary');
    await writer.untilWriting();
    await formation.restart(standby);
    await formation.waitUntilStable();
    expect((await formation.primary()).host.name).toBe(primary.host.name);
  });
});
