import type { ConnInfo } from '@pgaf/conninfo/conninfo';
import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT, UserError } from '@pgaf/core/errors';
import { withSession } from './demo-session.js';

/** How long connecting took, all attempts together. */
export interface ClientTimes {
  /** Null for all clients together. */
  readonly client: number | null;
  readonly connections: number;
  readonly retries: number;
  readonly min: Milliseconds;
  readonly max: Milliseconds;
  readonly p95: Milliseconds;
  readonly p99: Milliseconds;
}

/** Connections that took about as long. */
export interface Bucket {
  readonly min: Milliseconds;
  readonly max: Milliseconds;
  readonly frequency: number;
}

export interface Measurements {
  /** In the order of their numbers, all together last; empty when nothing was measured. */
  readonly clients: readonly ClientTimes[];
  /** From the quickest to the slowest; those without a connection are left out. */
  readonly histogram: readonly Bucket[];
}

const CLIENTS = `
SELECT client, count(*)::float8 AS connections, sum(retries)::float8 AS retries,
       min(us) / 1000.0::float8 AS min, max(us) / 1000.0::float8 AS max,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY us) / 1000.0::float8 AS p95,
       percentile_disc(0.99) WITHIN GROUP (ORDER BY us) / 1000.0::float8 AS p99
  FROM demo.tracking GROUP BY GROUPING SETS ((client), ()) HAVING count(*) > 0 ORDER BY client NULLS LAST`;

const BUCKETS = 20;

const HISTOGRAM = `
WITH span AS (SELECT min(us)::float8 AS low, max(us)::float8 AS high FROM demo.tracking),
     placed AS (SELECT us, CASE WHEN low < high THEN width_bucket(us::float8, low, high, $1) END AS bucket
                  FROM demo.tracking, span)
SELECT min(us) / 1000.0::float8 AS min, max(us) / 1000.0::float8 AS max, count(*)::float8 AS frequency
  FROM placed GROUP BY bucket ORDER BY min`;

/** invalid_schema_name, undefined_table, undefined_column: no demonstration has been here. */
const NOTHING: ReadonlySet<string> = new Set(['3F000', '42P01', '42703']);

/**
 * What the last demonstration measured, from its tables.
 * @throws CannotConnectError; UserError `no-demo` when there was none.
 */
export async function readMeasurements(target: ConnInfo): Promise<Measurements> {
  return withSession(target, async (session) => {
    try {
      const clients = await session.query<ClientTimes>(CLIENTS);
      const histogram = await session.query<Bucket>(HISTOGRAM, [BUCKETS]);
      return { clients: clients.rows, histogram: histogram.rows };
    } catch (error) {
      if (error instanceof Error && 'code' in error && NOTHING.has(String(error.code)))
        throw noDemo(target, error);
      throw error;
    }
  });
}

function noDemo({ dbname }: ConnInfo, cause: Error): UserError {
  return new UserError(`No demonstration has run in the database "${dbname ?? ''}".`, {
    code: 'no-demo',
    exit: EXIT.badState,
    hint: 'Start one: pgaf demo run.',
    cause,
  });
}
