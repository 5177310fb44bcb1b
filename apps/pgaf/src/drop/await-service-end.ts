import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT, PgafError } from '@pgaf/core/errors';
import type { NodePaths } from '@pgaf/config/paths';
import type { CommandContext } from '../command-spec.js';
import { readPidFile } from '../pid-file.js';
import { sendSignal } from '../service/send-signal.js';
import { until } from '../wait-until.js';

const OWN_END: Milliseconds = 30_000;

/**
 * Waits until the service has ended, which it is about to; one that does not is told to.
 * @param meanwhile Called between two looks; what it throws ends the waiting.
 * @throws PgafError `service-stays`.
 */
export async function awaitServiceEnd(
  paths: NodePaths,
  { log }: Pick<CommandContext, 'log'>,
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const ended = async (): Promise<boolean> => {
    if (readPidFile(paths.pid)?.alive !== true) return true;
    await meanwhile();
    return false;
  };
  if (await until(ended, OWN_END)) return;
  const service = readPidFile(paths.pid)?.service;
  if (service === undefined) return;
  log.warn(`The service with pid ${service.pid} did not end by itself; it is told to`);
  sendSignal(service.pid, 'SIGQUIT');
  if (await until(ended, OWN_END)) return;
  throw new PgafError(`The service with pid ${service.pid} does not end.`, {
    code: 'service-stays',
    exit: EXIT.badState,
    hint: 'End it, then run the same command again.',
  });
}
