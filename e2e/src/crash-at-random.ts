import type { Milliseconds } from '@pgaf/core/durations';
import type { Random } from '@pgaf/simulator/random';
import { draw, type Aim } from './crash/draw.js';
import { Lane } from './crash/lane.js';
import type { Plan } from './crash/run-operation.js';
import { median, runAtRandom } from './random-run.js';

/** Each aim strikes once; the sentences tell what came of it. */
function planOf(aims: readonly Aim[], struck: string[]): Plan {
  const open = new Set(aims);
  return {
    strikeAt: (moment) => {
      const aim = [...open].find((one) => one.moment === moment);
      if (aim) open.delete(aim);
      return aim ?? null;
    },
    struck: (moment, victim, found) => {
      if (found) struck.push(`${victim.name} at ${moment}`);
    },
  };
}

await runAtRandom({
  command: 'npm run crash',
  open: async (options) => {
    const lane = await Lane.open(options);
    await lane.reach('two');
    const outages: Milliseconds[] = [];
    let faults = 0;
    return {
      playOne: async (random: Random) => {
        const { operation, aims } = draw(random, lane.shape);
        const struck: string[] = [];
        const { ms, outageMs } = await lane.play(operation, planOf(aims, struck));
        faults += struck.length;
        outages.push(outageMs);
        const late = aims.map(({ delayMs }) => `+${delayMs}`).join(', ');
        const what = struck.length === 0 ? 'no fault' : `${struck.join('; ')} (${late} ms)`;
        const figures = `outage ${Math.round(outageMs)} ms, stable after ${(ms / 1000).toFixed(1)} s`;
        return `${operation.name}: ${what}: ${figures}`;
      },
      summary: async () => {
        const lost = await lane.rowsLost();
        const outage = `outage median ${Math.round(median(outages))} ms`;
        return `${faults} faults, ${outage}, ${lane.rowsAcknowledged()} rows acknowledged, ${lost} rows lost`;
      },
      close: () => lane.close(),
    };
  },
});
