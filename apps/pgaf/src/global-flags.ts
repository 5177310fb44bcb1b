import { Flags } from '@oclif/core';

/** Flags of every command; they are read before the command is, see `launch-arguments.ts`. */
export const GLOBAL_FLAGS = {
  verbose: Flags.boolean({ char: 'v', summary: 'Log more; -vv debug, -vvv trace', helpGroup: 'global' }),
  quiet: Flags.boolean({ char: 'q', summary: 'Log errors only', helpGroup: 'global' }),
  version: Flags.boolean({ char: 'V', summary: 'Print the version', helpGroup: 'global' }),
  help: Flags.boolean({ char: 'h', summary: 'Print this help', helpGroup: 'global' }),
};
