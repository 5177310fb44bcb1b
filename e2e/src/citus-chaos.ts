import type { Milliseconds } from '@pgaf/core/durations';
import type { Random } from '@pgaf/simulator/random';
import { Chaos, WORKER_GROUPS } from './citus/chaos/chaos.js';
import { drawCase, sentenceOf } from './citus/chaos/draw.js';
import { median, runAtRandom } from './random-run.js';

await runAtRandom({
  command: 'npm run e2e:citus-chaos',
  open: async (options) => {
    const chaos = await Chaos.open(options);
    const stalls: Milliseconds[] = [];
    let faults = 0;
    return {
      playOne: async (random: Random) => {
        const drawn = drawCase(random, WORKER_GROUPS);
        const { ms, stall } = await chaos.play(drawn);
        faults += drawn.strikes.length;
        stalls.push(stall);
        const figures = `longest stall ${stall} ms, whole after ${(ms / 1000).toFixed(1)} s`;
        return `${sentenceOf(drawn)}: ${figures}`;
      },
      summary: async () => {
        const stall = `longest stall of a case, median ${median(stalls)} ms`;
        const lost = await chaos.rowsLost();
        return `${faults} faults, ${stall}, ${chaos.rowsAcknowledged()} rows acknowledged, ${lost} rows lost`;
      },
      close: () => chaos.close(),
    };
  },
});
