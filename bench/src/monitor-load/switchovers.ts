import { setTimeout as pause } from 'node:timers/promises';
import { connect, destroy } from '@pgaf/conninfo/connect';
import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import type { Milliseconds } from '@pgaf/core/durations';
import { until } from '@pgaf/testing/deadline';
import type { Client } from 'pg';
import { Actor, wallClock, type Course } from './actor.js';
import { delaysOf, type Delay, type GoalAt } from './delays.js';

const DEADLINE_MS = 30_000;
/** Between two: a thousand nodes are seldom handed over more often. */
const PAUSE: Milliseconds = 3000;

/** Clocks that differ by less are the same one. */
const SAME_CLOCK: Milliseconds = 1;

interface Pair {
  readonly formation: string;
  readonly course: Course;
  readonly actors: readonly [Actor, Actor];
}

interface Decided extends GoalAt {
  readonly formation: string;
}

/** The goals that were given, in their order. @throws Error when the clock of the database is another one than ours */
async function decisions(operator: Client): Promise<readonly Decided[]> {
  const before = wallClock();
  const clock = await operator.query<{ now: number }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
  );
  const ahead = (clock.rows[0]?.now ?? 0) - before;
  if (ahead < -SAME_CLOCK || ahead > wallClock() - before + SAME_CLOCK) {
    throw new Error(`the clock of the monitor's Postgres is ${ahead.toFixed(1)} ms ahead`);
  }
  const { rows } = await operator.query<Decided>(
    `SELECT formationid AS formation, nodeid::float8 AS node, goalstate::text AS goal,
            (extract(epoch FROM eventtime) * 1000)::float8 AS at
       FROM pgautofailover.event WHERE rule IS NOT NULL ORDER BY eventid`,
  );
  return rows;
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
      const course: Course = { causes: [], told: [] };
      const primary = await Actor.start(uri, { id, formation, state: 'primary' }, course);
      const standby = await Actor.start(uri, { id: id + 1, formation, state: 'secondary' }, course);
      pairs.push({ formation, course, actors: [primary, standby] });
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
        const at = wallClock();
        pair.course.causes.push({ since: 'order', at, saidAt: at });
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
      const decided = await decisions(operator);
      return this.pairs.flatMap(({ formation, course: { causes, told } }) =>
        delaysOf(
          causes,
          decided.filter((goal) => goal.formation === formation),
          told,
        ),
      );
    } finally {
      destroy(operator);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.pairs.flatMap(({ actors }) => actors.map((actor) => actor.stop())));
  }
}
