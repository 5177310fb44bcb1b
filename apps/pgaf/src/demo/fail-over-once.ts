import { EXIT, PgafError } from '@pgaf/core/errors';
import type { Milliseconds } from '@pgaf/core/durations';
import { openMonitor } from '../command-session.js';
import { membersOf, newsOf, type News } from '../perform/group-news.js';
import { failOver } from '../perform/lossy-failover.js';
import { switchoverEnd } from '../perform/switchover-end.js';
import type { MonitorPlace } from '../reach-monitor.js';

/** A primary that waits for its standbys takes writes already. */
const ENOUGH = 'wait_primary';
const PATIENCE: Milliseconds = 60_000;

/**
 * Orders a failover of the group, waits until another node takes writes, and returns its name.
 * @throws PgafError for an order that is refused or given up, `no-primary-yet`, `monitor-lost`.
 */
export async function failOverOnce(place: MonitorPlace, group: number): Promise<string> {
  const listener = await openMonitor(place);
  const asker = await openMonitor(place);
  try {
    const where = { formation: place.formation, group, force: false };
    const members = await membersOf(asker, place.formation);
    const old = members.find((node) => node.group === group && node.leader)?.id;
    const news = await newsOf(listener, place.formation, group);
    await failOver(asker, where);
    return await newPrimary(news, old);
  } finally {
    await Promise.all([listener.close(), asker.close()]);
  }
}

async function newPrimary(news: News, old: number | undefined): Promise<string> {
  const meaningOf = switchoverEnd(old, ENOUGH);
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const left = deadline - performance.now();
    const one = left > 0 ? await news.next(left) : null;
    if (one === null) throw notInTime(`No new primary within ${PATIENCE / 1000} s.`);
    const end = meaningOf(one);
    if (end === 'done') return one.name;
    if (end === 'given-up') throw notInTime(`The failover was given up, "${one.name}" stays primary.`);
  }
}

function notInTime(message: string): PgafError {
  return new PgafError(message, {
    code: 'no-primary-yet',
    exit: EXIT.internal,
    hint: '`pgaf explain` says what it waits for.',
  });
}
