import { EXIT, UserError } from '@pgaf/core/errors';

/** Sends a signal to a running service; one that has ended meanwhile is none. @throws UserError `not-the-owner`. */
export function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ESRCH') return;
    if (code !== 'EPERM') throw cause;
    throw new UserError(`The service with pid ${pid} belongs to another user.`, {
      code: 'not-the-owner',
      exit: EXIT.badArguments,
      hint: 'Run this as that user, or as root.',
    });
  }
}
