import type { Milliseconds } from '@pgaf/core/durations';

interface SettingBase {
  /** `[section]` of the file. */
  readonly section: string;
  readonly key: string;
  /** The command line's option without its dashes. */
  readonly flag?: string;
  readonly env?: string;
  /** A running service takes a new value on reload; the others need a restart or a command. */
  readonly reloadable?: true;
  /** A new value of a node is in force once the monitor has taken it. */
  readonly grantedByMonitor?: true;
  /** Without a value from anywhere nothing can be done. */
  readonly required?: true;
  /** A value that no message may show. */
  readonly secret?: true;
  /** Values that have a password in them, of a setting that need not have one. */
  readonly secretIn?: RegExp;
  /** What the key was called in older files. */
  readonly oldKey?: string;
}

export type Setting = SettingBase &
  (
    | { readonly type: 'text'; readonly default?: string }
    | { readonly type: 'enum'; readonly values: readonly string[]; readonly default?: string }
    | { readonly type: 'integer'; readonly min: number; readonly max: number; readonly default?: number }
    | { readonly type: 'boolean'; readonly default?: boolean }
    /** In the file a bare number counts seconds. */
    | { readonly type: 'duration'; readonly min?: Milliseconds; readonly default?: Milliseconds }
  );

export type Schema = readonly Setting[];
export type SettingValue = string | number | boolean;

type ValueOf<S extends Setting> = S extends { readonly type: 'enum'; readonly values: readonly (infer V)[] }
  ? V
  : S extends { readonly type: 'integer' | 'duration' }
    ? number
    : S extends { readonly type: 'boolean' }
      ? boolean
      : string;

type Present<S extends Setting> = S extends { readonly default: SettingValue } | { readonly required: true }
  ? ValueOf<S>
  : ValueOf<S> | undefined;

type Camel<T extends string> = T extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : T;

type InSection<S extends Schema, Section extends string> = Extract<S[number], { readonly section: Section }>;

/** `config.section.key` in camel case, as the schema says; durations in milliseconds. */
export type ConfigOf<S extends Schema> = {
  readonly [Section in S[number]['section'] as Camel<Section>]: {
    readonly [Row in InSection<S, Section> as Camel<Row['key']>]: Present<Row>;
  };
};

export function camel(name: string): string {
  return name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** `section.key`, the name of a setting in messages and in `config get`. */
export function nameOf(setting: Setting): string {
  return `${setting.section}.${setting.key}`;
}

export function findSetting(schema: Schema, name: string): Setting | undefined {
  return schema.find((setting) => nameOf(setting) === name);
}

/** The value in a configuration, or undefined. */
export function valueIn(setting: Setting, config: object): SettingValue | undefined {
  const section: unknown = Object.entries(config).find(([name]) => name === camel(setting.section))?.[1];
  if (typeof section !== 'object' || section === null) return undefined;
  const value: unknown = Object.entries(section).find(([name]) => name === camel(setting.key))?.[1];
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : undefined;
}
