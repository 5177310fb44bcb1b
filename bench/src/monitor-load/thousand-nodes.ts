import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import { until } from '@pgaf/testing/deadline';
import { PATIENCE_MS } from '../systems/system.js';
import type { Delay } from './delays.js';
import type { LoadedMonitor } from './loaded-monitor.js';
import { startLoad, type RunningLoad } from './pgbench.js';
import { Switchovers } from './switchovers.js';

export interface Size {
  readonly nodes: number;
  /** Of them, the groups that are handed over, one after the other. */
  readonly pairs: number;
  readonly secondsWithoutPause: number;
  /** Before what is measured at pace: the first reports, and what Node compiles of a service that has just begun. */
  readonly settleMs: Milliseconds;
  readonly atPaceMs: Milliseconds;
}

export const THOUSAND: Size = {
  nodes: 1000,
  pairs: 10,
  secondsWithoutPause: 8,
  settleMs: 20_000,
  atPaceMs: 30_000,
};

/** How a monitor of a thousand nodes fares that report once a second, while groups are handed over. */
export interface AtPace {
  /** Of the monitor with its Postgres, in percent of one core. */
  readonly processor: number;
  /** From a report, or an order, to each goal that it brought about. */
  readonly delays: readonly Delay[];
}

/** @throws Error when pgbench ends by itself */
async function whileLoaded(load: RunningLoad, what: string, isSo: () => boolean): Promise<void> {
  await until({ what, deadlineMs: PATIENCE_MS, everyMs: 200 }, () => load.failure() !== null || isSo());
  const failure = load.failure();
  if (failure !== null) throw new Error(`pgbench ended: ${failure}`);
}

async function decideWhenAllReport(monitor: LoadedMonitor, load: RunningLoad, nodes: number): Promise<void> {
  await whileLoaded(load, `${nodes} nodes to report`, () => monitor.reporting() === nodes);
  monitor.beginToDecide();
}

/** Microseconds for each report, when a thousand nodes report as fast as they are answered. */
export async function timeOfReport(
  monitor: LoadedMonitor,
  { nodes, secondsWithoutPause: seconds }: Size = THOUSAND,
): Promise<number> {
  monitor.register(nodes);
  const load = startLoad(monitor, { clients: nodes });
  try {
    await decideWhenAllReport(monitor, load, nodes);
    const begun = load.perSecond.length + 1;
    const counted = () => load.perSecond.slice(begun);
    await whileLoaded(load, `${seconds} s of reports`, () => counted().length >= seconds);
    return (1_000_000 * counted().length) / counted().reduce((sum, count) => sum + count, 0);
  } finally {
    load.stop();
  }
}

export async function atPace(
  monitor: LoadedMonitor,
  { nodes, pairs, settleMs, atPaceMs }: Size = THOUSAND,
): Promise<AtPace> {
  const clients = nodes - 2 * pairs;
  monitor.register(nodes);
  const load = startLoad(monitor, { clients, rate: clients });
  let switchovers: Switchovers | undefined;
  try {
    const { host, port, user } = monitor.address;
    const uri = `postgres://${user}@${host}:${port}/pg_auto_failover?sslmode=prefer`;
    switchovers = await Switchovers.start(uri, clients + 1, pairs);
    await decideWhenAllReport(monitor, load, nodes);
    await pause(settleMs);
    const before = monitor.processorMs();
    const start = performance.now();
    const delays = await switchovers.runFor(atPaceMs);
    const processor = ((monitor.processorMs() - before) / (performance.now() - start)) * 100;
    return { processor, delays };
  } finally {
    await switchovers?.stop();
    load.stop();
  }
}
