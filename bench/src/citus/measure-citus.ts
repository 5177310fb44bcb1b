import { step } from '../../../tools/progress.mjs';
import type { Measurement, Run } from '../measurement.js';
import type { Workshop } from '../workshop.js';
import {
  CITUS_CREATION,
  CITUS_ROWS,
  CREATED_WORKER_GROUPS,
  type CitusEvent,
  type CitusRun,
} from './citus-rows.js';
import { citusRun } from './citus-run.js';

export interface CitusAssignment {
  readonly system: string;
  readonly workshop: Workshop;
  readonly runs: number;
  readonly isWanted: (measurement: Measurement) => boolean;
  /** Records what the work measures, or that it failed. */
  readonly attempt: (measurement: Measurement, work: () => Promise<readonly Run[]>) => Promise<void>;
}

/** Every wanted row; rows of one event are figures of the same runs. */
export async function measureCitus({
  system,
  workshop,
  runs,
  isWanted,
  attempt,
}: CitusAssignment): Promise<void> {
  const repeat = async <T>(title: string, run: () => Promise<T>): Promise<T[]> => {
    const done: T[] = [];
    for (let n = 1; n <= runs; n++) done.push(await step(`${system}: ${title}, ${n} of ${runs}`, run));
    return done;
  };
  if (isWanted(CITUS_CREATION)) {
    await attempt(CITUS_CREATION, () =>
      repeat(CITUS_CREATION.title, async () => {
        const { seconds } = await workshop.freshCitus(CREATED_WORKER_GROUPS);
        return { value: seconds };
      }),
    );
    await workshop.discard();
  }
  const measured = new Map<CitusEvent, Promise<CitusRun[]>>();
  for (const row of CITUS_ROWS.filter(isWanted)) {
    const { event, valueOf } = row;
    await attempt(row, async () => {
      const ofEvent =
        measured.get(event) ??
        repeat(event.title, async () => citusRun(await workshop.currentCitus(), event));
      measured.set(event, ofEvent);
      return (await ofEvent).map((run) => {
        const { acknowledged, lost } = run;
        return { value: valueOf(run), acknowledged, lost };
      });
    });
  }
}
