import { EXIT, UserError } from '@pgaf/core/errors';

/** What is told of them where their values are looked up says more than could be said here. */
const TOLD_ELSEWHERE: ReadonlySet<string> = new Set(['pgdata', 'monitor']);

/**
 * An option that is given and empty, as a variable that is not set leaves it, means something else than one that
 * is left out, and nobody wants either.
 * @throws UserError `empty-option`, exit 1.
 */
export function refuseEmptyOptions(flags: Readonly<Record<string, unknown>>): void {
  const empty = Object.keys(flags).find((name) => flags[name] === '' && !TOLD_ELSEWHERE.has(name));
  if (empty === undefined) return;
  throw new UserError(`--${empty} is empty.`, {
    code: 'empty-option',
    exit: EXIT.badArguments,
    hint: `Give --${empty} a value, or leave it out.`,
  });
}
