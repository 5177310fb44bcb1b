import type { Milliseconds } from '@pgaf/core/durations';
import type { Random } from '@pgaf/simulator/random';
import { FAULTS, type Fault } from './faults.js';

/** Of whom there is one in each group. */
export type Side = 'primary' | 'standby';

export type Strike = {
  /** After the beginning of the case. */
  readonly delayMs: Milliseconds;
} & (
  | {
      readonly whom: 'node';
      readonly group: number;
      readonly side: Side;
      readonly fault: Fault;
      readonly lastsMs: Milliseconds;
    }
  | { readonly whom: 'monitor'; readonly fault: Fault; readonly lastsMs: Milliseconds }
  | { readonly whom: 'clients' }
);

/** One fault or two, and perhaps an operator’s order that they meet. */
export interface Case {
  /** The group that is switched over. */
  readonly switchover: number | null;
  readonly strikes: readonly Strike[];
}

/** A planned switchover is over by then. */
const LONGEST_DELAY: Milliseconds = 1500;
/** Some are shorter than what anybody waits for, some longer than all of it. */
const LASTS: { readonly from: Milliseconds; readonly to: Milliseconds } = { from: 300, to: 12_000 };

/** Of a formation of one coordinator group, 0, and so many groups of workers. */
export function drawCase(random: Random, workerGroups: number): Case {
  const anyGroup = (): number => (random.chance(0.3) ? 0 : 1 + random.below(workerGroups));
  const switchover = random.chance(0.5) ? anyGroup() : null;
  const strikes = Array.from({ length: random.chance(0.5) ? 2 : 1 }, (): Strike => {
    const delayMs = random.chance(0.2) ? 0 : random.below(LONGEST_DELAY);
    const what = random.next();
    if (what < 0.1) return { whom: 'clients', delayMs };
    const struck = {
      delayMs,
      fault: random.pick(FAULTS),
      lastsMs: Math.round(random.between(LASTS.from, LASTS.to)),
    };
    if (what < 0.25) return { whom: 'monitor', ...struck };
    // Whoever is being switched over is struck more often than others.
    const group = switchover !== null && random.chance(0.5) ? switchover : anyGroup();
    return { whom: 'node', group, side: random.chance(0.7) ? 'primary' : 'standby', ...struck };
  });
  return { switchover, strikes };
}

export function sentenceOf({ switchover, strikes }: Case): string {
  const order = switchover === null ? 'no order' : `switchover of group ${switchover}`;
  return `${order}; ${strikes.map(strikeSentence).join('; ')}`;
}

function strikeSentence(strike: Strike): string {
  const at = `+${strike.delayMs} ms`;
  if (strike.whom === 'clients') return `clients killed ${at}`;
  const whom = strike.whom === 'monitor' ? 'the monitor' : `the ${strike.side} of group ${strike.group}`;
  return `${strike.fault.name} of ${whom} ${at} for ${strike.lastsMs} ms`;
}
