import { Formation, type Member } from '@pgaf/testing/formation';
import { Network } from '@pgaf/testing/network';
import { whyNoNetwork } from '@pgaf/testing/network-support';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { holdUp } from './hold-up.js';
import { whileWriting } from './while-writing.js';

const noNetwork = await whyNoNetwork();
if (noNetwork) process.stderr.write(`no network namespaces here: ${noNetwork}\n`);

/** What a client may wait while another standby acknowledges its commits. */
const UNTOUCHED_WITHIN = 2000;

describe.skipIf(noNetwork !== null)('of three sites, one link that is cut', { timeout: 180_000 }, () => {
  let network: Network;
  let formation: Formation;
  let primary: Member;
  let standby: Member;
  let other: Member;

  beforeAll(async () => {
    network = await Network.make();
    formation = await Formation.create({ nodes: 3, network });
    // Whoever takes over goes on alone until somebody reaches it.
    await pgaf('set', 'formation', 'number-sync-standbys', '0');
  }, 180_000);
  afterAll(async () => {
    await formation?.dispose();
    await network?.remove();
  });
  beforeEach(async () => {
    primary = await formation.primary();
    const [one, two] = formation.nodes.filter((node) => node !== primary);
    if (!one || !two) throw new Error('two standbys');
    [standby, other] = [one, two];
  });
  afterEach(() => network.heal());

  async function pgaf(...args: string[]): Promise<void> {
    const { status, stderr } = await formation.onMonitor(args);
    expect(status, `${args.join(' ')}: ${stderr}`).toBe(0);
  }

  it.each(['both ways', 'from the primary', 'from the standby'])(
    'between the primary and a standby, %s, leaves the writes to the other one',
    async (direction) => {
      const { outage } = await whileWriting(
        formation,
        async (writer) => {
          if (direction !== 'from the standby') network.cutOneWay(primary.host, standby.host);
          if (direction !== 'from the primary') network.cutOneWay(standby.host, primary.host);
          await formation.waitForState(standby.host.name, 'catchingup');
          await writer.untilWriting();
          network.heal();
        },
        { answerWithinMs: 5000 },
      );
      expect(await formation.primary(), await formation.describe()).toBe(primary);
      expect(outage.ms).toBeLessThan(UNTOUCHED_WITHIN);
    },
  );

  it('between the standbys lets that one take over from a lost primary which has everything already', async () => {
    await pgaf('set', 'node', 'candidate-priority', '90', '--name', standby.host.name);
    await whileWriting(
      formation,
      async (writer) => {
        network.cut(standby.host, other.host);
        const letGo = await holdUp([standby]);
        await writer.untilWriting();
        network.isolate(primary.host);
        letGo();
        await formation.waitForState(other.host.name, 'wait_primary');
        await writer.untilWriting();
        network.heal();
      },
      { answerWithinMs: 2000 },
    );
    expect(await formation.primary(), await formation.describe()).toBe(other);
    const rows = await formation.probe.query<{ rule: string }>(
      `SELECT DISTINCT rule FROM pgautofailover.event WHERE rule LIKE 'election.%'`,
    );
    const rules = rows.map(({ rule }) => rule);
    // The preferred one was chosen if it had promised in time.
    expect(rules.includes('election.sourceLost')).toBe(rules.includes('election.fastForward'));
  });
});
