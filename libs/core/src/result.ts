/**
 * How a step or a hook ended, as a tagged value: two copies of this package agree on it, which two copies
 * of an exception class would not.
 */
export type Outcome = Done | Retry | Fatal;

export interface Done {
  readonly tag: 'done';
}

/** Not possible now; the caller tries again and shows the reason meanwhile. */
export interface Retry {
  readonly tag: 'retry';
  readonly reason: string;
}

/** Trying again cannot help; a person must do what the hint says. */
export interface Fatal {
  readonly tag: 'fatal';
  readonly reason: string;
  readonly hint: string;
}

export const done: Done = { tag: 'done' };

export function retry(reason: string): Retry {
  return { tag: 'retry', reason };
}

export function fatal(reason: string, hint: string): Fatal {
  return { tag: 'fatal', reason, hint };
}
