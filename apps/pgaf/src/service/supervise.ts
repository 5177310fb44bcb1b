import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT, PgafError, UserError } from '@pgaf/core/errors';
import type { Logger } from '@pgaf/logging/logger';

/** How often a service that fails is started again. */
export interface RestartPolicy {
  readonly times: number;
  readonly within: Milliseconds;
  /** The wait before the first restart; it doubles up to `longest`. */
  readonly first: Milliseconds;
  readonly longest: Milliseconds;
}

export const RESTART_POLICY: RestartPolicy = { times: 5, within: 300_000, first: 100, longest: 5000 };

/** What keeps a service from running that somebody can mend meanwhile: it is tried again for as long as it takes. */
export class PassingError extends PgafError {}

/**
 * Runs a service, and again when it fails, until it ends by itself, an error says that a restart cannot help,
 * or it failed too often.
 */
export async function supervise<T>(
  name: string,
  service: () => Promise<T>,
  log: Logger,
  stopping: AbortSignal,
  policy: RestartPolicy = RESTART_POLICY,
): Promise<T> {
  const failures: Milliseconds[] = [];
  for (;;) {
    try {
      return await service();
    } catch (error) {
      if (stopping.aborted || !mayHelp(error)) throw error;
      const now = performance.now();
      if (!(error instanceof PassingError)) failures.push(now);
      while (failures[0] !== undefined && failures[0] < now - policy.within) failures.shift();
      if (failures.length > policy.times) throw tooOften(name, policy, error);
      const wait =
        error instanceof PassingError
          ? policy.longest
          : Math.min(policy.first * 2 ** (failures.length - 1), policy.longest);
      log.error(`The ${name} failed and is started again`, { error, waitMs: wait });
      await pause(wait, stopping);
      if (stopping.aborted) throw error;
    }
  }
}

/** What the user must mend, or what is fatal, stays so after a restart. */
function mayHelp(error: unknown): boolean {
  if (error instanceof UserError) return false;
  return !(error instanceof PgafError && (error.exit === EXIT.fatal || error.exit === EXIT.schemaVersion));
}

function tooOften(name: string, policy: RestartPolicy, cause: unknown): PgafError {
  return new PgafError(`The ${name} failed ${policy.times + 1} times within ${policy.within / 1000} s.`, {
    code: 'restarts-exhausted',
    exit: EXIT.fatal,
    hint: 'The log above says why; mend that, then start it with `pgaf run`.',
    cause,
  });
}

export function pause(ms: Milliseconds, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
}
