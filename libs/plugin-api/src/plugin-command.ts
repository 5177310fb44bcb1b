import type { Json } from '@pgaf/core/json';

export interface FlagDefinition {
  /** Without the dashes. */
  readonly name: string;
  readonly summary: string;
  readonly type: 'text' | 'integer' | 'boolean';
  readonly default?: string | number | boolean;
  readonly env?: string;
  /** Kept in the plugin's configuration section under this key. */
  readonly setting?: string;
}

/** What a plugin's command can use: the monitor's SQL API, and the terminal. */
export interface CommandContext {
  readonly flags: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly formation: string;
  /** The name of the local node, that of --pgdata; null when there is none. */
  readonly node: string | null;
  readonly monitor: { query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]> };
  readonly print: (line: string) => void;
}

/** A command of the plugin's own, as data; the CLI makes it a command like any other. */
export interface CommandDefinition {
  /** As typed after `pgaf`, words separated by blanks. */
  readonly name: string;
  readonly summary: string;
  readonly flags?: readonly FlagDefinition[];
  /** Loads the command's code. What it resolves to is printed with `--json`. */
  readonly run: () => Promise<(context: CommandContext) => Promise<Json>>;
}
