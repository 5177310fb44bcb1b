import { BugError, PgafError, ProgramError } from '@pgaf/core/errors';
import { redactText } from './redact.js';

/** An error as a log line holds it: every text redacted, the causes inside one another. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly hint?: string;
  readonly command?: string;
  readonly lastLines?: string;
  /** Only where a reader needs it: a failure that nobody foresaw. */
  readonly stack?: string;
  readonly cause?: ErrorRecord;
}

const MAX_CAUSES = 8;

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Errors of ours, of the system and of Postgres carry a code; one that has none, or a bug, comes with its stack. */
function isForeseen(error: Error): boolean {
  return !(error instanceof BugError) && codeOf(error) !== undefined;
}

export function errorRecord(error: unknown, depth = 0): ErrorRecord {
  if (!(error instanceof Error)) return { name: 'Error', message: redactText(String(error)) };
  const code = codeOf(error);
  const hint = error instanceof PgafError ? error.hint : undefined;
  const program = error instanceof ProgramError ? error : undefined;
  const causes = error.cause !== undefined && depth < MAX_CAUSES;
  const inner =
    error instanceof AggregateError && error.message === '' ? error.errors.map(String).join('; ') : '';
  return {
    name: error.name,
    message: redactText(error.message || inner),
    ...(code === undefined ? {} : { code }),
    ...(hint === undefined ? {} : { hint: redactText(hint) }),
    ...(program === undefined
      ? {}
      : { command: redactText(program.command), lastLines: redactText(program.lastLines) }),
    ...(isForeseen(error) || error.stack === undefined ? {} : { stack: redactText(error.stack) }),
    ...(causes ? { cause: errorRecord(error.cause, depth + 1) } : {}),
  };
}
