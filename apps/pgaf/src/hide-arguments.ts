import { redactText } from '@pgaf/logging/redact';

/**
 * A connection string with a password among the arguments is what people are used to, and what every user of this
 * host sees in the process list. It is taken out of there, which does not undo that it was seen.
 * @returns Whether there was one.
 */
export function hidePasswords(argv: readonly string[]): boolean {
  const found = argv.some((word) => redactText(word) !== word);
  // Overwrites all arguments. The first word stays one by which a service is known.
  if (found) process.title = 'pgaf';
  return found;
}
