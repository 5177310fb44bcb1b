import { EXIT, PgafError, UserError } from '@pgaf/core/errors';
import type { CommandContext } from '../command-spec.js';
import { flagsConflict } from '../flags-conflict.js';
import { nodePaths } from '../node-files.js';
import { readPidFile } from '../pid-file.js';
import { until } from '../wait-until.js';
import { sendSignal } from './send-signal.js';

export interface StopFlags {
  readonly pgdata?: string | undefined;
  readonly fast: boolean;
  readonly immediate: boolean;
  readonly 'keep-postgres': boolean;
  /** Seconds; 0 does not wait. */
  readonly wait: number;
}

const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT', 'keep-postgres': 'SIGUSR2' } as const;

/**
 * Sends the signal, and waits until the service has ended, so that the next command may start it again.
 * @throws UserError `not-running`, exit 12. @throws PgafError `still-stopping`, exit 3, after `wait`.
 */
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
  const { pid } = running.service;
  sendSignal(pid, given[0] ? SIGNALS[given[0]] : 'SIGTERM');
  if (flags.wait === 0) return;
  // Another pid is that of the next service, which systemd has started.
  const hasEnded = (): boolean => {
    const now = readPidFile(paths.pid);
    return now?.alive !== true || now.service.pid !== pid;
  };
  if (await until(hasEnded, flags.wait * 1000)) return;
  throw new PgafError(
    `The service with pid ${pid} was told to stop, and has not ended after ${flags.wait} s.`,
    {
      code: 'still-stopping',
      exit: EXIT.badState,
      hint: 'It goes on stopping without this command; its log says what it waits for. `pgaf stop --fast` hurries it.',
    },
  );
}
