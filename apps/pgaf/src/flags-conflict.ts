import { EXIT, UserError } from '@pgaf/core/errors';

/** The error of options that cannot be given together. @param flags As typed, dashes included. */
export function flagsConflict(flags: readonly string[], hint = 'Leave one of them out.'): UserError {
  return new UserError(`${flags.join(' and ')} exclude each other.`, {
    code: 'flags-conflict',
    exit: EXIT.badArguments,
    hint,
  });
}
