import { BugError, PgafError, type ExitStatus } from '@pgaf/core/errors';
import type { Logger } from '@pgaf/logging/logger';

/** Logs the error with its hint and returns the exit status that it stands for. */
export function reportError(error: unknown, log: Logger): ExitStatus {
  if (error instanceof PgafError) {
    log.error(error.message, { error });
    return error.exit;
  }
  const bug = new BugError(`Unexpected: ${error instanceof Error ? error.message : String(error)}`, error);
  log.error(bug.message, { error: bug });
  return bug.exit;
}
