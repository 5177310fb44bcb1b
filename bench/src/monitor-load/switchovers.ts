import { setTimeout as pause } from 'node:timers/promises';
import { connect, destroy } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Milliseconds } from '@pgaf/core/durations';
import { until } from '@pgaf/testing/deadline';
import { Actor, type Cause } from './actor.js';
import type { Delay } from './delays.js';

const DEADLINE_MS = 30_000;
/** Between two: a thousand nodes are seldom handed over more often. */
const PAUSE: Milliseconds = 3000;

interface Pair {
  readonly formation: string;
  readonly cause: Cause;
  readonly actors: readonly [Actor, Actor];
}

/** Groups of two, played by actors, that are handed over one after the other. */
export class Switchovers {
  private constructor(
    private readonly uri: string,
    private readonly pairs: readonly Pair[],
  ) {}

  /** @param firstNode The odd id of the first node of the first pair, a primary. */
  static async start(uri: string, firstNode: number, count: number): Promise<Switchovers> {
    const pairs: Pair[] = [];
    for (let n = 0; n < count; n++) {
      const id = firstNode + 2 * n;
      const formation = `f${(id - 1) / 2}`;
      const cause: Cause = { at: 0, since: 'report', told: new Set() };
      const primary = await Actor.start(uri, { id, formation, state: 'primary' }, cause);
      const standby = await Actor.start(uri, { id: id + 1, formation, state: 'secondary' }, cause);
      pairs.push({ formation, cause, actors: [primary, standby] });
    }
    return new Switchovers(uri, pairs);
  }

  /** @returns every delay from a report, or from the order, to a new goal that was told */
  async runFor(duration: Milliseconds): Promise<readonly Delay[]> {
    const end = performance.now() + duration;
    const operator = await connect(parseConnInfo(this.uri), { connectTimeoutMs: 10_000 });
    try {
      for (let n = 0; performance.now() < end; n++) {
        const pair = this.pairs[n % this.pairs.length];
        if (!pair) break;
        const before = pair.actors.map(({ state }) => state);
        pair.cause.at = performance.now();
        pair.cause.since = 'order';
        pair.cause.told.clear();
        await operator.query('SELECT pgautofailover.perform_failover($1, 0)', [pair.formation]);
        const states = () => pair.actors.map(({ state }) => state);
        await until(
          {
            what: `the switchover of ${pair.formation}`,
            deadlineMs: DEADLINE_MS,
            seen: () => states().join(),
          },
          () => [...before].reverse().join() === states().join(),
        );
        await pause(PAUSE);
      }
    } finally {
      destroy(operator);
    }
    return this.pairs.flatMap(({ actors }) => actors.flatMap(({ delays }) => delays));
  }

  async stop(): Promise<void> {
    await Promise.all(this.pairs.flatMap(({ actors }) => actors.map((actor) => actor.stop())));
  }
}
