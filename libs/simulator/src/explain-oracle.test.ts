import { expect, test } from 'vitest';
import { hear, type Hearing } from './explain-oracle.js';
import { realMachine } from './machine.js';

const machine = realMachine();
const SEEDS = 250;
const FIRST_SEED = 40_000;

test('what explain says of a failover is so, and what it names makes one possible', () => {
  const said = new Map<Hearing['outlook'], number>();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const { outlook, done, wrong, story } = hear(seed, machine);
    if (wrong !== null) expect.fail([`seed ${seed}: ${wrong}`, ...done, ...story].join('\n'));
    said.set(outlook, (said.get(outlook) ?? 0) + 1);
  }
  for (const outlook of ['possible', 'impossible'] as const) {
    expect(said.get(outlook), outlook).toBeGreaterThan(SEEDS / 10);
  }
}, 120_000);
