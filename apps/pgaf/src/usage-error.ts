import { Errors } from '@oclif/core';
import { EXIT, UserError } from '@pgaf/core/errors';
import { nearestWord } from '@pgaf/core/nearest-word';

/** True for a command line that its command cannot read: help is in place. */
export function isUsageError(error: unknown): error is Error {
  return error instanceof Errors.CLIError;
}

const BOUNDS: Readonly<Record<string, string>> = { greater: ' from ', less: ' up to ' };

/** What oclif says in its messages, which are all that it lets out, and what we say instead. */
const PHRASES: readonly (readonly [RegExp, (...parts: string[]) => string])[] = [
  [/^Nonexistent flags?: (.*)$/, (names = '') => `Unknown option ${names}.`],
  [/^Unexpected arguments?: (.*)$/, (words = '') => `Unexpected argument "${words}".`],
  [/^Missing \d+ required args?:\n(\S+)/, (name = '') => `Expected the ${name} after the command.`],
  [/^Flag (--\S+) can only be specified once$/, (name = '') => `${name} is given twice.`],
  [/^Flag (--\S+) expects a value$/, (name = '') => `${name} expects a value.`],
  [
    /^Parsing (--\S+)\s+Expected an integer (?:(greater|less) than or equal to (-?\d+) )?.*but received: (.*)$/,
    (name = '', side = '', bound = '', value = '') =>
      `${name} is "${value}", which must be a whole number${BOUNDS[side] ?? ''}${bound}.`,
  ],
];

/** @param options The long names of the command's options, without dashes. */
export function usageError(error: Error, options: readonly string[]): UserError {
  const message = error.message.replace(/\n?See more help with --help$/, '').trim();
  for (const [pattern, phrase] of PHRASES) {
    const found = pattern.exec(message);
    if (found)
      return badUsage(phrase(...found.slice(1).map((part) => part ?? '')), hintFor(message, options));
  }
  return badUsage(message, undefined);
}

function hintFor(message: string, options: readonly string[]): string | undefined {
  const unknown = /^Nonexistent flags?: --([^\s,=]+)/.exec(message)?.[1];
  const meant = unknown === undefined ? null : nearestWord(unknown, options);
  return meant === null ? undefined : `Did you mean --${meant}?`;
}

function badUsage(message: string, hint: string | undefined): UserError {
  return new UserError(message, {
    code: 'bad-usage',
    exit: EXIT.badArguments,
    hint: hint ?? 'The options are listed above.',
  });
}
