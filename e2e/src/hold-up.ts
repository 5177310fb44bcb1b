import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import { sendSignal } from '@pgaf/testing/end-processes';
import type { Member } from '@pgaf/testing/formation';

/**
 * These standbys receive nothing more, and acknowledge nothing.
 * @returns what lets them go on, without what was on its way to them meanwhile
 */
export async function holdUp(standbys: readonly Member[]): Promise<() => void> {
  const receivers = standbys.map(({ host }) => {
    const one = host.processes().find(({ command }) => command.startsWith('postgres: walreceiver'));
    if (!one) throw new Error(`${host.name} has no walreceiver`);
    return one;
  });
  await Promise.all(receivers.map(({ pid }) => freezeAtRest(pid)));
  return () => {
    // It ends before it reads anything.
    for (const { pid } of receivers) sendSignal(pid, 'SIGTERM');
    for (const { pid } of receivers) sendSignal(pid, 'SIGCONT');
  };
}
