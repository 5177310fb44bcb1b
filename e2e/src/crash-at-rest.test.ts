import { Formation } from '@pgaf/testing/formation';
import type { Member } from '@pgaf/testing/formation';
import { postmasterOf } from '@pgaf/testing/postmaster';
import { sendSignal } from '@pgaf/testing/end-processes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whileWriting } from './while-writing.js';

let formation: Formation;
beforeAll(async () => {
  formation = await Formation.create({ nodes: 2 });
});
afterAll(() => formation?.dispose());

async function killService(member: Member): Promise<void> {
  member.service?.signal('SIGKILL');
  await member.service?.exited;
}

/** The formation has noticed and has answered: stable, with a postmaster other than the one that was killed. */
async function untilReplaced(member: Member, killed: number): Promise<void> {
  await formation.wait('another postmaster', () => Promise.resolve(postmasterOf(member.host) !== killed));
  await formation.waitUntilStable();
}

describe.each(['primary', 'standby'] as const)('on the %s', (which) => {
  const member = () => formation[which]();

  it('a killed keeper is started again and finds its Postgres running', async () => {
    await whileWriting(formation, async () => {
      const crashed = await member();
      await killService(crashed);
      await formation.restart(crashed);
      await formation.waitUntilStable();
    });
  });

  it('a killed postmaster is replaced', async () => {
    await whileWriting(formation, async () => {
      const crashed = await member();
      const pid = postmasterOf(crashed.host);
      sendSignal(pid, 'SIGKILL');
      await untilReplaced(crashed, pid);
    });
  });
});

describe('on the monitor', () => {
  it('a killed service is started again; the nodes stay as they are', async () => {
    await whileWriting(formation, async (writer) => {
      const before = await formation.states();
      await killService(formation.monitor);
      await writer.untilWriting();
      await formation.restart(formation.monitor);
      await formation.waitForMonitor();
      await formation.waitUntilStable();
      const after = await formation.states();
      expect(after.map((state) => state.goal)).toEqual(before.map((state) => state.goal));
    });
  });

  it('a killed postmaster is replaced; the nodes stay as they are', async () => {
    await whileWriting(formation, async () => {
      const before = await formation.states();
      const pid = postmasterOf(formation.monitor.host);
      sendSignal(pid, 'SIGKILL');
      await untilReplaced(formation.monitor, pid);
      await formation.waitForMonitor();
      const after = await formation.states();
      expect(after.map((state) => state.goal)).toEqual(before.map((state) => state.goal));
    });
  });
});
