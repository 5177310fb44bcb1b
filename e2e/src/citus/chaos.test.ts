import { Random } from '@pgaf/simulator/random';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Chaos, WORKER_GROUPS } from './chaos/chaos.js';
import { drawCase, sentenceOf, type Case, type Strike } from './chaos/draw.js';
import { FAULTS } from './chaos/faults.js';
import { citusVersion } from './real-citus.js';

const version = await citusVersion();
const SEED = 13_0_3;
const CASES = 3;

describe.skipIf(version === null)('a Citus formation under random faults', () => {
  let chaos: Chaos;
  beforeAll(async () => {
    chaos = await Chaos.open();
  });
  afterAll(() => chaos?.close());

  const play = async (what: Case): Promise<void> => {
    const { stall, ms } = await chaos.play(what);
    console.log(`${sentenceOf(what)}: longest stall ${stall} ms, whole after ${Math.round(ms)} ms`);
  };

  it('keeps a coordinator that was frozen from undoing what its successor does', async () => {
    await play({ switchover: null, strikes: [strikeOn(0, 'every process frozen', 9000)] });
  });

  it('loses nothing and leaves nothing behind', async () => {
    const random = new Random(SEED);
    for (let n = 1; n <= CASES; n++) await play(drawCase(random, WORKER_GROUPS));
    expect(chaos.rowsAcknowledged()).toBeGreaterThan(0);
  }, 240_000);
});

function strikeOn(group: number, name: string, lastsMs: number): Strike {
  const fault = FAULTS.find((one) => one.name === name);
  if (!fault) throw new RangeError(`there is no fault "${name}"`);
  return { whom: 'node', group, side: 'primary', fault, lastsMs, delayMs: 0 };
}
