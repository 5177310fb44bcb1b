import type { ConnInfo } from '@pgaf/conninfo/conninfo';
import { formatDuration, type Milliseconds } from '@pgaf/core/durations';
import type { Logger } from '@pgaf/logging/logger';
import { DemoClient } from './demo-client.js';
import { prepareSchema } from './demo-schema.js';
import { withSession } from './demo-session.js';
import { pauseUntil } from './pause-until.js';

export interface Demonstration {
  /** The formation's connection string, as the application has it. */
  readonly target: ConnInfo;
  readonly clients: number;
  readonly duration: Milliseconds;
  /** When failovers are ordered, from the beginning, in order. */
  readonly failovers: readonly Milliseconds[];
  /** Orders a failover and resolves with the new primary's name. */
  readonly failOver: () => Promise<string>;
  readonly log: Logger;
  /** Ends it early; what was measured by then counts. */
  readonly signal: AbortSignal;
}

/** Rows whose commit was acknowledged, and how many of them the formation has in the end. */
export interface Kept {
  readonly acknowledged: number;
  readonly found: number;
}

/**
 * Clients that write and connect anew for each row, while the formation fails over.
 * @throws CannotConnectError, UserError `not-the-demo`; PgafError `no-primary` when there is none for a minute.
 */
export async function demonstrate(demo: Demonstration): Promise<Kept> {
  const { target, log } = demo;
  await prepareSchema(target, log);
  log.info(`Starting ${demo.clients} concurrent client(s) for ${formatDuration(demo.duration)}`);
  const began = performance.now();
  const end = new AbortController();
  const signal = AbortSignal.any([demo.signal, end.signal]);
  let failovers = 0;
  const clients = Array.from({ length: demo.clients }, (_, index) => {
    const until = began + demo.duration;
    return new DemoClient(index + 1, {
      target,
      until,
      log,
      random: Math.random,
      signal,
      failovers: () => failovers,
    });
  });
  const failing = failOverInTime(demo, began, signal, () => (failovers += 1));
  try {
    await Promise.all(clients.map((client) => client.run()));
  } finally {
    end.abort();
    await failing;
  }
  return {
    acknowledged: clients.reduce((sum, client) => sum + client.acknowledged, 0),
    found: await countRows(target),
  };
}

/** One that is refused is told, and the next one comes when it is due. */
async function failOverInTime(
  { failovers, failOver, log }: Demonstration,
  began: Milliseconds,
  signal: AbortSignal,
  onFailover: () => void,
): Promise<void> {
  for (const at of failovers) {
    await pauseUntil(began + at, signal);
    if (signal.aborted) return;
    log.info('pgaf perform failover');
    const ordered = performance.now();
    onFailover();
    try {
      const primary = await failOver();
      log.info(`"${primary}" is the primary, ${formatDuration(performance.now() - ordered)} after the order`);
    } catch (error) {
      log.error('The failover has failed', { error });
    }
  }
}

async function countRows(target: ConnInfo): Promise<number> {
  return withSession(target, async (session) => {
    const { rows } = await session.query<{ count: number }>(
      'SELECT count(*)::float8 AS count FROM demo.tracking',
    );
    return rows[0]?.count ?? 0;
  });
}
