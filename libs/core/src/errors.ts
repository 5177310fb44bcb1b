/** Exit statuses of every command; the numbers of pg_auto_failover. */
export const EXIT = {
  ok: 0,
  badArguments: 1,
  badConfiguration: 2,
  badState: 3,
  pgsql: 4,
  pgctl: 5,
  monitor: 6,
  coordinator: 7,
  keeper: 8,
  reload: 9,
  internal: 12,
  schemaVersion: 14,
  dropped: 121,
  fatal: 122,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

export interface ErrorDetails {
  /** Stable word for programs, such as `port-in-use`. */
  readonly code: string;
  readonly exit: ExitStatus;
  /** What the user can do about it, one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** The same call may succeed later without anybody's doing: what it needs is not up yet. False when absent. */
  readonly mayMendItself?: boolean;
}

/** The base of the errors that a command reports; anything else that reaches the bin is a bug of ours. */
export class PgafError extends Error {
  readonly code: string;
  readonly exit: ExitStatus;
  readonly hint: string | undefined;
  readonly mayMendItself: boolean;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
    this.exit = details.exit;
    this.hint = details.hint;
    this.mayMendItself = details.mayMendItself ?? false;
  }
}

/** The user must do something: wrong input, or a state of the world that only a person can mend. */
export class UserError extends PgafError {}

/** Another program failed: its command, how it ended, and its last lines. */
export class ProgramError extends PgafError {
  readonly command: string;
  readonly exitStatus: number | string;
  readonly lastLines: string;

  constructor(
    message: string,
    details: ErrorDetails & { command: string; exitStatus: number | string; lastLines: string },
  ) {
    super(message, details);
    this.command = details.command;
    this.exitStatus = details.exitStatus;
    this.lastLines = details.lastLines;
  }
}

/** A state that our own code was meant to make impossible. */
export class BugError extends PgafError {
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'bug', exit: EXIT.internal, hint: 'Please report this with the log.', cause });
  }
}
