import { setTimeout as sleep } from 'node:timers/promises';
import { CannotConnectError } from '@pgaf/conninfo/connect';
import type { Milliseconds } from '@pgaf/core/durations';
import { EXIT, PgafError, type ExitStatus } from '@pgaf/core/errors';
import { openMonitor } from '../command-session.js';
import type { CommandContext } from '../command-spec.js';
import { requireGroup } from '../known-formation.js';
import { findMonitor, type MonitorFlags, type MonitorPlace } from '../reach-monitor.js';
import { labelOf } from '../show/node-labels.js';
import { LiveScreen } from './live-screen.js';
import { MonitorFeed } from './monitor-feed.js';
import { requireTerminal } from './terminal-screen.js';

export interface WatchFlags extends MonitorFlags {
  readonly group?: number | undefined;
  readonly wait: boolean;
}

const RETRY: Milliseconds = 1000;

/** Shows nodes and events of a formation, and keeps them up to date, until the user leaves. */
export async function watch(flags: WatchFlags, context: CommandContext): Promise<ExitStatus> {
  requireTerminal(context.bin, context.env);
  const place = await (flags.wait ? onceAnswered(flags, context) : answering(flags, context));
  const about = { formation: place.formation, group: flags.group ?? null };
  const feed = new MonitorFeed(place.conninfo, about);
  try {
    await new LiveScreen(feed, place.formation, (kind) => labelOf(kind, context)).untilLeft();
  } finally {
    await feed.close();
  }
  return EXIT.ok;
}

/** Where the monitor is, once it has said that it knows formation and group. */
async function answering(flags: WatchFlags, context: CommandContext): Promise<MonitorPlace> {
  const place = await findMonitor(flags, context);
  const session = await openMonitor(place);
  try {
    await requireGroup(session, place.formation, flags.group, 'nodes');
  } finally {
    await session.close();
  }
  return place;
}

/** The same, however long it takes until the monitor answers. */
async function onceAnswered(flags: WatchFlags, context: CommandContext): Promise<MonitorPlace> {
  let told = '';
  for (;;) {
    try {
      return await answering(flags, context);
    } catch (error) {
      if (!mayAnswerLater(error)) throw error;
      if (error.message !== told) context.log.warn(`${error.message} Waiting for it`);
      told = error.message;
      await sleep(RETRY);
    }
  }
}

function mayAnswerLater(error: unknown): error is PgafError {
  if (error instanceof CannotConnectError) return true;
  return error instanceof PgafError && error.code === 'monitor-down';
}
