import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration } from '@pgaf/core/durations';
import { EXIT, PgafError } from '@pgaf/core/errors';
import type { Logger } from '@pgaf/logging/logger';
import { ServiceRunsError, TermLostError } from './term.js';
import { ServiceSession, type ServiceSessionOptions } from './service-session.js';

export interface ServiceOptions extends Omit<ServiceSessionOptions, 'signal'> {
  readonly logger: Logger;
  /** Aborted when the service is to end. */
  readonly signal: AbortSignal;
}

const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2000;

/**
 * Runs the monitor service until the signal is aborted. A monitor Postgres that goes away is waited for:
 * whoever supervises it starts it again, and the service opens a new term.
 * @throws TermLostError when another service has taken over; UserError `another-service` when one decides and does
 * not end; UserError `schema-too-new`, `schema-edited`. All of them are for good.
 */
export async function runService(options: ServiceOptions): Promise<void> {
  const { logger, signal } = options;
  let pause = FIRST_PAUSE;
  while (!signal.aborted) {
    const session = new ServiceSession(options);
    try {
      await session.run();
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof TermLostError || error instanceof ServiceRunsError) throw error;
      if (error instanceof PgafError && error.exit === EXIT.schemaVersion) throw error;
      if (session.decided) pause = FIRST_PAUSE;
      logger.warn(`The monitor service cannot decide; it tries again in ${formatDuration(pause)}.`, {
        error,
      });
    } finally {
      await session.close();
    }
    await sleep(pause, undefined, { signal }).catch(() => undefined);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
}
