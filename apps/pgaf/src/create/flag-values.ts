import { EXIT, UserError } from '@pgaf/core/errors';
import type { FlagDefinition } from '@pgaf/plugin-api';

type Environment = Readonly<Record<string, string | undefined>>;
export type FlagValues = Readonly<Record<string, string | boolean | undefined>>;

const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  on: true,
  yes: true,
  '1': true,
  false: false,
  off: false,
  no: false,
  '0': false,
};

/** A value with the name of where it stands: `--name`, or the variable. */
interface Given {
  readonly text: string;
  readonly where: string;
}

/** The flag's value, else the variable's; an empty variable counts as unset. */
export function given(flags: FlagValues, flag: string, env: Environment, variable?: string): Given | null {
  const value = flags[flag];
  if (value !== undefined && value !== false) return { text: String(value), where: `--${flag}` };
  const exported = variable === undefined ? undefined : env[variable];
  return variable !== undefined && exported ? { text: exported, where: variable } : null;
}

/** @throws UserError `bad-value` unless it is a whole number in the range. */
export function integerOf(value: Given, min: number, max: number): number {
  const number = Number(value.text);
  if (/^\d+$/.test(value.text) && number >= min && number <= max) return number;
  throw badValue(value, `a whole number from ${min} to ${max}`);
}

/** @throws UserError `bad-value`. */
export function booleanOf(value: Given): boolean {
  const parsed = BOOLEANS[value.text.toLowerCase()];
  if (parsed !== undefined) return parsed;
  throw badValue(value, 'true or false');
}

/** @throws UserError `bad-value` unless it is one of the words. */
export function wordOf<T extends string>(value: Given, words: readonly T[]): T {
  const word = words.find((each) => each === value.text);
  if (word !== undefined) return word;
  throw badValue(value, words.join(' or '));
}

function badValue({ text, where }: Given, allowed: string): UserError {
  return new UserError(`${where} is "${text}", which must be ${allowed}.`, {
    code: 'bad-value',
    exit: EXIT.badArguments,
    hint: `Correct ${where}.`,
  });
}

/** The values of a plugin's flags, checked: flag, else variable, else default. */
export function pluginFlagValues(
  definitions: readonly FlagDefinition[],
  flags: FlagValues,
  env: Environment,
): Record<string, string | number | boolean | undefined> {
  const values: Record<string, string | number | boolean | undefined> = {};
  for (const definition of definitions) {
    const value = given(flags, definition.name, env, definition.env);
    if (value === null) values[definition.name] = definition.default;
    else if (definition.type === 'integer')
      values[definition.name] = integerOf(value, 0, Number.MAX_SAFE_INTEGER);
    else if (definition.type === 'boolean') values[definition.name] = booleanOf(value);
    else values[definition.name] = value.text;
  }
  return values;
}
