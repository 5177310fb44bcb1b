import type { Milliseconds } from '@pgaf/core/durations';
import type { Random } from '@pgaf/simulator/random';
import type { Moment } from './moments.js';
import { momentsOf, OPERATIONS, type Operation, type Shape } from './operations.js';
import { VICTIMS, type Victim } from './victims.js';

export interface Aim {
  readonly moment: Moment;
  readonly victim: Victim;
  /** Between the moment and the fault. */
  readonly delayMs: Milliseconds;
}

export interface Drawn {
  readonly operation: Operation;
  readonly aims: readonly Aim[];
}

/** Of the operations that keep two nodes most of the time. */
const SELDOM = /^(create|drop)/;
const LONGEST_DELAY: Milliseconds = 300;

/** An operation that begins at the shape, and one fault or two in it: at a moment, or some time after it. */
export function draw(random: Random, shape: Shape): Drawn {
  const possible = OPERATIONS.filter(({ from, to }) => from === shape && to !== 'empty');
  const often = possible.filter(({ name }) => !SELDOM.test(name));
  const operation = random.pick(often.length > 0 && random.chance(0.8) ? often : possible);
  const victims = VICTIMS.filter((victim) => victim.takesPartIn(operation));
  const aims = Array.from({ length: random.chance(0.3) ? 2 : 1 }, () => ({
    moment: random.pick(momentsOf(operation)),
    victim: random.pick(victims),
    delayMs: random.chance(0.5) ? 0 : random.below(LONGEST_DELAY),
  }));
  return { operation, aims };
}
