import type { Measurement } from '../measurement.js';

/** What happens to the primaries of some groups, the coordinator’s being 0, while clients work. */
export interface CitusEvent {
  readonly title: string;
  readonly what: 'switchover' | 'killed' | 'frozen';
  readonly groups: readonly number[];
}

/** What clients of the coordinator met, from the event until all is stable again. */
export interface CitusRun {
  /** Seconds, the longest that any of them waited for a success. */
  readonly stall: number;
  readonly failures: number;
  readonly acknowledged: number;
  readonly lost: number;
}

export interface CitusRow extends Measurement {
  readonly event: CitusEvent;
  readonly valueOf: (run: CitusRun) => number;
}

const stall = { unit: 's', digits: 3, valueOf: (run: CitusRun) => run.stall } as const;

const WORKER_SWITCHOVER: CitusEvent = {
  title: 'Citus: planned switchover of a worker',
  what: 'switchover',
  groups: [1],
};

/** Under four writers and two readers through the coordinator, with two groups of workers. */
export const CITUS_ROWS: readonly CitusRow[] = [
  {
    ...stall,
    id: 'citus-worker-switchover',
    title: 'Citus: planned switchover of a worker, longest stall of a client',
    budget: 1,
    event: WORKER_SWITCHOVER,
  },
  {
    id: 'citus-worker-failures',
    title: 'Citus: planned switchover of a worker, failed statements',
    unit: 'statements',
    digits: 0,
    budget: 0,
    event: WORKER_SWITCHOVER,
    valueOf: (run) => run.failures,
  },
  {
    ...stall,
    id: 'citus-coordinator-switchover',
    title: 'Citus: planned switchover of the coordinator, longest stall',
    budget: 0.6,
    event: { title: 'Citus: planned switchover of the coordinator', what: 'switchover', groups: [0] },
  },
  {
    ...stall,
    id: 'citus-worker',
    title: 'Citus: every process of a worker killed, until its shards are back',
    budget: 4,
    event: { title: 'Citus: a worker killed', what: 'killed', groups: [1] },
  },
  {
    ...stall,
    id: 'citus-two-workers',
    title: 'Citus: two workers killed at once, until their shards are back',
    budget: 5,
    event: { title: 'Citus: two workers killed', what: 'killed', groups: [1, 2] },
  },
  {
    ...stall,
    id: 'citus-coordinator',
    title: 'Citus: every process of the coordinator killed, longest stall',
    budget: 4,
    event: { title: 'Citus: the coordinator killed', what: 'killed', groups: [0] },
  },
  {
    ...stall,
    id: 'citus-frozen',
    title: 'Citus: every process of a worker frozen, until its shards are back',
    budget: 9,
    event: { title: 'Citus: a worker frozen', what: 'frozen', groups: [1] },
  },
];

/** Of a coordinator pair and three pairs of workers. */
export const CITUS_CREATION: Measurement = {
  id: 'citus-create',
  title: 'Citus: from nothing to eight nodes stable',
  unit: 's',
  budget: 15,
  digits: 2,
};
export const CREATED_WORKER_GROUPS = 3;
