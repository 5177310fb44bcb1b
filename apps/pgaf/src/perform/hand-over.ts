import { openMonitor, type CommandSession } from '../command-session.js';
import type { CommandContext } from '../command-spec.js';
import { findMonitor, type MonitorFlags, type MonitorPlace } from '../reach-monitor.js';
import { awaitNewPrimary } from './await-new-primary.js';
import { newsOf, type Member, type WaitFlags } from './group-news.js';

/** `old one given up`: it is not waited for, so that there may be no standby after it. */
export type Asked = 'under way' | 'old one given up' | 'nothing to do';

/** An order to hand over that can be given. */
export interface Order {
  /** The nodes of the group that it is about. */
  readonly members: readonly Member[];
  readonly ask: () => Promise<Asked>;
}

/** Listens before it gives the order, so that nothing that follows from it is missed. */
export async function handOver(
  flags: MonitorFlags & WaitFlags,
  context: CommandContext,
  prepare: (asker: CommandSession, place: MonitorPlace) => Promise<Order>,
): Promise<void> {
  const place = await findMonitor(flags, context);
  const listener = await openMonitor(place);
  const { log } = context;
  const asker = await openMonitor(place, log);
  try {
    const { members, ask } = await prepare(asker, place);
    const group = members[0]?.group ?? 0;
    const news = await newsOf(listener, place.formation, group);
    const asked = await ask();
    if (asked === 'nothing to do') return;
    if (flags.wait === 0) {
      log.info('The switchover is under way; `pgaf show state` shows how far it is');
      return;
    }
    const where = `formation "${place.formation}" and group ${group}`;
    log.info(`Waiting ${flags.wait} secs for a notification with state "primary" in ${where}`);
    log.info(`Listening monitor notifications about state changes in ${where}`);
    const enough = asked === 'old one given up' ? 'wait_primary' : 'primary';
    await awaitNewPrimary(asker, news, members, flags, context, enough);
  } finally {
    await Promise.all([listener.close(), asker.close()]);
  }
}
