import { EXIT, UserError } from '@pgaf/core/errors';
import type { ConfigFile } from './ini-form.js';
import { camel, nameOf, type ConfigOf, type Schema, type Setting, type SettingValue } from './schema.js';
import { allowedFor, parseValue } from './value.js';

/** Where a value came from. */
export type Source =
  | { readonly from: 'flag'; readonly flag: string }
  | { readonly from: 'env'; readonly variable: string }
  | { readonly from: 'file'; readonly path: string; readonly line: number }
  | { readonly from: 'default' };

export interface Inputs {
  /** By the name of the option without its dashes; an undefined one was not given. */
  readonly flags?: Readonly<Record<string, SettingValue | undefined>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly file?: ConfigFile | undefined;
}

export interface Resolved<S extends Schema> {
  readonly config: ConfigOf<S>;
  /** By `section.key`; a setting without a value is missing. */
  readonly sources: ReadonlyMap<string, Source>;
}

export function describeSource(source: Source): string {
  if (source.from === 'flag') return `--${source.flag}`;
  if (source.from === 'env') return source.variable;
  return source.from === 'file' ? `${source.path}:${source.line}` : 'the default';
}

function candidate(setting: Setting, inputs: Inputs): { text: string; source: Source } | undefined {
  const { flag, env: variable } = setting;
  const given = flag === undefined ? undefined : inputs.flags?.[flag];
  if (flag !== undefined && given !== undefined) {
    return { text: String(given), source: { from: 'flag', flag } };
  }
  const exported = variable === undefined ? undefined : inputs.env?.[variable];
  if (variable !== undefined && exported) return { text: exported, source: { from: 'env', variable } };
  const entry = inputs.file?.entries.find(
    ({ section, key }) => section === setting.section && key === setting.key,
  );
  if (entry === undefined || inputs.file === undefined) return undefined;
  return { text: entry.value, source: { from: 'file', path: inputs.file.path, line: entry.line } };
}

function badValue(setting: Setting, text: string, source: Source): UserError {
  const value = setting.secret ? 'the value' : `"${text}"`;
  return new UserError(
    `${describeSource(source)}: ${value} is not allowed for ${nameOf(setting)}, which must be ${allowedFor(setting)}.`,
    {
      code: 'bad-setting',
      exit: source.from === 'file' ? EXIT.badConfiguration : EXIT.badArguments,
      hint: `Correct ${describeSource(source)}.`,
    },
  );
}

function missing(setting: Setting): UserError {
  const ways = [
    setting.flag === undefined ? undefined : `--${setting.flag}`,
    setting.env,
    `${nameOf(setting)} in the configuration file`,
  ].filter((way) => way !== undefined);
  return new UserError(`${nameOf(setting)} is not set.`, {
    code: 'missing-setting',
    exit: EXIT.badArguments,
    hint: `Set ${ways.join(' or ')}.`,
  });
}

/**
 * The value of each setting: the flag's, else the environment's, else the file's, else the default. An empty
 * variable counts as unset.
 * @throws UserError `bad-setting` (exit 1, or 2 when the file is wrong) that names the source, or `missing-setting`
 */
export function resolve<const S extends Schema>(schema: S, inputs: Inputs): Resolved<S> {
  const config: Record<string, Record<string, SettingValue>> = {};
  const sources = new Map<string, Source>();
  for (const setting of schema) {
    const section = (config[camel(setting.section)] ??= {});
    const found = candidate(setting, inputs);
    const value = found === undefined ? setting.default : parseValue(setting, found.text);
    if (found !== undefined && value === undefined) throw badValue(setting, found.text, found.source);
    if (value === undefined) {
      if (setting.required) throw missing(setting);
      continue;
    }
    section[camel(setting.key)] = value;
    sources.set(nameOf(setting), found?.source ?? { from: 'default' });
  }
  // The rows above are what ConfigOf<S> is computed from.
  return { config: config as ConfigOf<S>, sources };
}
