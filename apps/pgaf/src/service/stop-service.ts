import { EXIT, UserError } from '@pgaf/core/errors';
import type { CommandContext } from '../command-spec.js';
import { flagsConflict } from '../flags-conflict.js';
import { nodePaths } from '../node-files.js';
import { readPidFile } from '../pid-file.js';
import { sendSignal } from './send-signal.js';

export interface StopFlags {
  readonly pgdata?: string | undefined;
  readonly fast: boolean;
  readonly immediate: boolean;
  readonly 'keep-postgres': boolean;
}

const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT', 'keep-postgres': 'SIGUSR2' } as const;

/** Sends the signal and does not wait. @throws UserError `not-running`, exit 12. */
export async function stopService(flags: StopFlags, context: CommandContext): Promise<void> {
  const given = (['fast', 'immediate', 'keep-postgres'] as const).filter((name) => flags[name]);
  if (given.length > 1) throw flagsConflict(given.map((name) => `--${name}`));
  const paths = nodePaths(flags.pgdata, context);
  const running = readPidFile(paths.pid);
  if (!running?.alive) {
    throw new UserError(`No service runs for "${paths.pgdata}".`, {
      code: 'not-running',
      exit: EXIT.internal,
      hint: 'Nothing is left to stop.',
    });
  }
  sendSignal(running.service.pid, given[0] ? SIGNALS[given[0]] : 'SIGTERM');
}
