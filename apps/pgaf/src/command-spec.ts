import type { Interfaces } from '@oclif/core';
import type { ExitStatus } from '@pgaf/core/errors';
import type { Logger, LogLevel } from '@pgaf/logging/logger';
import type { PluginHost } from '@pgaf/plugin-host/plugin-host';

/** What a command runs in: the terminal, the environment, the plugins. */
export interface CommandContext {
  /** The name pgaf was called by. */
  readonly bin: string;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** From now on this one, unless the command line chose one; undefined means the default. */
  readonly setLogLevel: (level: LogLevel | undefined) => void;
  readonly host: PluginHost;
  /** Results; everything else goes to the log. */
  readonly print: (text: string) => void;
  /** A path as the user meant it: relative to where pgaf was called. */
  readonly resolvePath: (path: string) => string;
  /** The user that root became, or null. */
  readonly became: string | null;
  /** The user that `--os-user` names. */
  readonly osUser: string | null;
}

export type Work<Flags> = (flags: Flags, context: CommandContext) => Promise<ExitStatus | void>;

/** A command as data; the CLI makes an oclif command of it. */
export interface CommandSpec<
  F extends Interfaces.FlagInput = Interfaces.FlagInput,
  A extends Interfaces.ArgInput = Interfaces.ArgInput,
> {
  /** As typed after `pgaf`, words separated by blanks. */
  readonly name: string;
  readonly summary: string;
  readonly hidden?: true;
  readonly flags: F;
  /** What is given by its place, in order; named as no flag is. */
  readonly args?: A;
  /**
   * Loads the code that does the work. Called before root's rights are dropped, so that the code need not
   * be readable for the user that root becomes.
   */
  readonly load: () => Promise<Work<Interfaces.InferredFlags<F> & Interfaces.InferredArgs<A>>>;
}

/** What the command table holds: the flags' types are known to the command alone. */
export type AnyCommand = Omit<CommandSpec, 'load'> & { readonly load: () => Promise<Work<never>> };

export function defineCommand<
  F extends Interfaces.FlagInput,
  A extends Interfaces.ArgInput = Record<never, never>,
>(spec: CommandSpec<F, A>): AnyCommand {
  return spec;
}
