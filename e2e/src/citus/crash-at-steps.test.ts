import { afterAll, beforeAll, describe, it } from 'vitest';
import { CrashAtSteps, MOMENTS, MOMENTS_OF_THE_PAUSE, VICTIMS, type Way } from './crash-at-steps.js';
import { citusVersion } from './real-citus.js';

const version = await citusVersion();
const WAYS = Object.keys(MOMENTS) as Way[];

describe.skipIf(version === null)('at each step of a worker’s way, a crash', () => {
  let stage: CrashAtSteps;
  beforeAll(async () => {
    stage = await CrashAtSteps.open();
  });
  afterAll(() => stage?.close());

  const cases = WAYS.flatMap((way) =>
    VICTIMS.map((victim) => [`of the ${victim} leaves nothing behind: ${way}`, way, victim] as const),
  );
  it.each(cases)(
    '%s',
    async (_name, way, victim) => {
      for (const moment of MOMENTS[way]) await stage.play(way, moment, victim);
    },
    600_000,
  );

  it('of the coordinator’s keeper, when it holds a pause or has ended it, leaves nothing behind', async () => {
    for (const moment of MOMENTS_OF_THE_PAUSE)
      await stage.play('switchover', moment, 'keeper of the coordinator');
  }, 600_000);
});
