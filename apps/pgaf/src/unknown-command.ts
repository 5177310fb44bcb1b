import { EXIT, UserError } from '@pgaf/core/errors';
import { nearestWord } from '@pgaf/core/nearest-word';

/**
 * The error of a command line that names no command.
 * @param words What stands before the first option.
 * @param option The first option, when there is one.
 * @param names All commands, as typed after the program's name.
 */
export function unknownCommand(
  bin: string,
  words: readonly string[],
  option: string | undefined,
  names: readonly string[],
): UserError {
  const typed = words.join(' ');
  if (typed === '') {
    return option === undefined
      ? expected('Expected a command.', `See ${bin} --help.`)
      : expected(
          `Expected a command before "${option}".`,
          'Options stand behind the command that they are of.',
        );
  }
  const below = names.filter((name) => name.startsWith(`${typed} `));
  if (below.length > 0) {
    const list = below.map((name) => `${bin} ${name}`).join(', ');
    return expected(`Expected a command after "${typed}".`, `Choose one of: ${list}.`);
  }
  const meant = nearestWord(typed, names) ?? names.find((name) => name.endsWith(` ${typed}`));
  return expected(
    `There is no command "${typed}".`,
    meant === undefined ? `See ${bin} --help.` : `Did you mean: ${bin} ${meant}?`,
  );
}

function expected(message: string, hint: string): UserError {
  return new UserError(message, { code: 'unknown-command', exit: EXIT.badArguments, hint });
}
