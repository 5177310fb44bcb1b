import { idleUse, memoryOf } from './idle.js';
import { MEASUREMENTS, type Measurement } from './measurement.js';
import type { PgafSystem } from './systems/pgaf.js';

const IDLE_MS = 10_000;
const SETTLE_MS = 2000;

/** Of the monitor and then of each node: MB, and percent of one core. */
export interface Sample {
  readonly memory: readonly number[];
  readonly idle: readonly number[];
}

const ofMonitor = (values: readonly number[]) => values[0] ?? 0;
const ofGreatestNode = (values: readonly number[]) => Math.max(...values.slice(1));

/** What pgaf's own processes take while nothing happens. */
export const AT_REST: readonly {
  readonly measurement: Measurement;
  readonly valueOf: (sample: Sample) => number;
}[] = [
  { measurement: MEASUREMENTS.nodeMemory, valueOf: ({ memory }) => ofGreatestNode(memory) },
  { measurement: MEASUREMENTS.monitorMemory, valueOf: ({ memory }) => ofMonitor(memory) },
  { measurement: MEASUREMENTS.nodeIdle, valueOf: ({ idle }) => ofGreatestNode(idle) },
  { measurement: MEASUREMENTS.monitorIdle, valueOf: ({ idle }) => ofMonitor(idle) },
];

export async function samplesAtRest({ formation }: PgafSystem, count: number): Promise<Sample[]> {
  const members = [formation.monitor, ...formation.nodes];
  await idleUse(members, SETTLE_MS);
  const samples: Sample[] = [];
  for (let n = 1; n <= count; n++) {
    const idle = await idleUse(members, IDLE_MS);
    samples.push({ memory: members.map(memoryOf), idle });
  }
  return samples;
}
