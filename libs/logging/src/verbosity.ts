/** Least to most important. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** `-q` means errors alone, `-vv` debug, `-vvv` trace; without them, and with one `-v`, info. */
export function levelOf(flags: { readonly quiet: boolean; readonly verbose: number }): LogLevel {
  if (flags.quiet) return 'error';
  if (flags.verbose >= 3) return 'trace';
  return flags.verbose === 2 ? 'debug' : 'info';
}
