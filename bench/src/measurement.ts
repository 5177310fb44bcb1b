import { summarize, type Summary } from './statistics.js';

/** What is measured, and what it may be: the figures of the project's goals. */
export interface Measurement {
  readonly id: string;
  readonly title: string;
  readonly unit: 's' | 'ms' | 'µs' | 'MB' | '%' | 'statements';
  /** For pgaf: the median must not be above it. */
  readonly budget: number;
  readonly digits: number;
}

/** What is measured beside the scenarios. */
export const MEASUREMENTS = {
  create: { id: 'create', title: 'from nothing to two nodes stable', unit: 's', budget: 4, digits: 2 },
  showState: { id: 'show-state', title: '`pgaf show state`', unit: 's', budget: 0.25, digits: 3 },
  nodeMemory: {
    id: 'node-memory',
    title: 'memory of pgaf on a node (Pss)',
    unit: 'MB',
    budget: 90,
    digits: 1,
  },
  monitorMemory: {
    id: 'monitor-memory',
    title: 'memory of pgaf on a monitor (Pss)',
    unit: 'MB',
    budget: 110,
    digits: 1,
  },
  nodeIdle: {
    id: 'node-idle',
    title: 'idle processor use of pgaf on a node',
    unit: '%',
    budget: 1,
    digits: 2,
  },
  monitorIdle: {
    id: 'monitor-idle',
    title: 'idle processor use of pgaf on a monitor',
    unit: '%',
    budget: 2,
    digits: 2,
  },
  decide: { id: 'decide', title: 'to decide for a group of seven', unit: 'µs', budget: 50, digits: 1 },
  report: {
    id: 'report',
    title: 'a report, when 1,000 nodes report without pause',
    unit: 'µs',
    // A third of what the extension of pg_auto_failover needs on two cores.
    budget: 230,
    digits: 0,
  },
  loadedMonitor: {
    id: 'loaded-monitor',
    title: 'processor use of a monitor and its Postgres, 1,000 nodes',
    unit: '%',
    budget: 60,
    digits: 1,
  },
  loadedDelay: {
    id: 'loaded-delay',
    title: 'from a change to the new goal, 1,000 nodes, 99 of 100',
    unit: 'ms',
    budget: 50,
    digits: 1,
  },
} as const satisfies Record<string, Measurement>;

/** One run of one measurement, in its unit; with a client's rows where a client wrote. */
export interface Run {
  readonly value: number;
  readonly acknowledged?: number;
  readonly lost?: number;
}

/** What one system achieved: its runs, or why there are none. */
export type Outcome = Achieved | { readonly failed: string };

export interface Achieved extends Summary {
  readonly acknowledged?: number;
  readonly lost?: number;
}

export interface Result extends Pick<Measurement, 'id' | 'title' | 'unit' | 'budget' | 'digits'> {
  /** By the system's id; a system that does not have the scenario is absent. */
  readonly systems: Readonly<Record<string, Outcome>>;
}

/** @throws RangeError for no run at all. */
export function achieved(runs: readonly Run[]): Achieved {
  const summary = summarize(runs.map((run) => run.value));
  const sum = (key: 'acknowledged' | 'lost') => runs.reduce((total, run) => total + (run[key] ?? 0), 0);
  const withRows = runs.some((run) => run.acknowledged !== undefined);
  return withRows ? { ...summary, acknowledged: sum('acknowledged'), lost: sum('lost') } : summary;
}

/** The outcome's figures, or null when it has none. */
export function figuresOf(outcome: Outcome | undefined): Achieved | null {
  return outcome && 'median' in outcome ? outcome : null;
}

export type Judgement = 'ok' | 'OVER' | 'FAILED' | 'LOST';

export function judge({ budget }: Pick<Measurement, 'budget'>, outcome: Outcome): Judgement {
  const figures = figuresOf(outcome);
  if (!figures) return 'FAILED';
  if (figures.lost) return 'LOST';
  return figures.median <= budget ? 'ok' : 'OVER';
}
