import { step } from '../../tools/progress.mjs';
import { CITUS_CREATION, CITUS_ROWS } from './citus/citus-rows.js';
import { measureCitus } from './citus/measure-citus.js';
import { AT_REST, samplesAtRest, type Sample } from './at-rest.js';
import { decideCost } from './decide-cost.js';
import { makeRoomForDirtyBuffers } from './busy-primary.js';
import { MEASUREMENTS, achieved, type Measurement, type Outcome, type Run } from './measurement.js';
import { describeDelays, percentile } from './monitor-load/delays.js';
import { atPace, timeOfReport, type AtPace } from './monitor-load/thousand-nodes.js';
import { OURS } from './report.js';
import { outageOf } from './outage.js';
import { SCENARIOS, type Scenario } from './scenarios.js';
import { PgafSystem } from './systems/pgaf.js';
import type { SystemKind } from './systems/system.js';
import type { Workshop } from './workshop.js';

export interface Assignment {
  readonly kind: SystemKind;
  readonly workshop: Workshop;
  readonly runs: number;
  readonly wanted: readonly Measurement[];
  /** Called with each outcome as soon as it is known. */
  readonly record: (measurement: Measurement, outcome: Outcome) => void;
}

/** What a kind of system has: an operator’s orders, or all scenarios; figures of pgaf’s own, only pgaf. */
export function measurementsOf(kind: SystemKind): readonly Measurement[] {
  const { id, onlyByHand, anyShape, hasMonitor, knowsCitus } = kind;
  const { create, report, ...own } = MEASUREMENTS;
  const scenarios = SCENARIOS.filter(
    ({ byHand, shape }) => (byHand ?? !onlyByHand) && (shape === undefined || anyShape),
  );
  return [
    ...scenarios,
    create,
    ...(hasMonitor ? [report] : []),
    ...(id === OURS ? Object.values(own) : []),
    ...(knowsCitus ? [...CITUS_ROWS, CITUS_CREATION] : []),
  ];
}

let tables = 0;

/** Every wanted measurement of one system; one that fails is recorded as failed, and the next begins with a new system. */
export async function measureSystem(assignment: Assignment): Promise<void> {
  const { workshop, wanted, runs } = assignment;
  const isWanted = (measurement: Measurement) => wanted.includes(measurement);
  if (isWanted(MEASUREMENTS.create)) {
    await attempt(assignment, MEASUREMENTS.create, () => creation(assignment));
  }
  for (const scenario of SCENARIOS.filter(isWanted)) {
    await attempt(assignment, scenario, () => runsOf(assignment, scenario));
  }
  if (isWanted(MEASUREMENTS.showState)) {
    await attempt(assignment, MEASUREMENTS.showState, () => showState(assignment));
  }
  let samples: readonly Sample[] | undefined;
  for (const { measurement, valueOf } of AT_REST.filter((figure) => isWanted(figure.measurement))) {
    await attempt(assignment, measurement, async () => {
      samples ??= await step(`${assignment.kind.title}: memory and processor use at rest`, async () =>
        samplesAtRest(await currentPgaf(workshop), runs),
      );
      return samples.map((sample) => ({ value: valueOf(sample) }));
    });
  }
  await measureLoad(assignment, isWanted);
  await measureCitus({
    system: assignment.kind.title,
    workshop,
    runs,
    isWanted,
    attempt: (measurement, work) => attempt(assignment, measurement, work),
  });
  await workshop.discard();
}

async function measureLoad(
  assignment: Assignment,
  isWanted: (measurement: Measurement) => boolean,
): Promise<void> {
  const { kind, workshop, runs } = assignment;
  const repeat = async <T>(title: string, run: () => Promise<T>): Promise<T[]> => {
    const done: T[] = [];
    for (let n = 1; n <= runs; n++) done.push(await step(`${kind.title}: ${title}, ${n} of ${runs}`, run));
    return done;
  };
  const { decide, report, loadedMonitor, loadedDelay } = MEASUREMENTS;
  if (isWanted(decide)) {
    await attempt(assignment, decide, () => repeat(decide.title, async () => ({ value: decideCost() })));
  }
  if (isWanted(report)) {
    await attempt(assignment, report, () =>
      repeat(report.title, async () => ({ value: await timeOfReport(await workshop.loadedMonitor()) })),
    );
  }
  let samples: readonly AtPace[] | undefined;
  const paced = async () =>
    (samples ??= await repeat('1,000 nodes that report once a second', async () =>
      atPace(await workshop.loadedMonitor()),
    ));
  if (isWanted(loadedMonitor)) {
    await attempt(assignment, loadedMonitor, async () =>
      (await paced()).map(({ processor }) => ({ value: processor })),
    );
  }
  if (isWanted(loadedDelay)) {
    await attempt(assignment, loadedDelay, async () => {
      // Of one run there are too few for 99 of 100.
      const delays = (await paced()).flatMap((sample) => sample.delays);
      for (const line of describeDelays(delays)) process.stderr.write(`  ${line}\n`);
      const milliseconds = delays.map(({ ms }) => ms);
      return [{ value: percentile(milliseconds, 0.99) }];
    });
  }
}

async function attempt(
  { kind, workshop, record }: Assignment,
  measurement: Measurement,
  measure: () => Promise<readonly Run[]>,
): Promise<void> {
  try {
    record(measurement, achieved(await measure()));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${kind.title}: ${measurement.title} failed: ${reason}\n`);
    record(measurement, { failed: reason });
    await workshop.discard();
  }
}

async function creation({ kind, workshop, runs }: Assignment): Promise<Run[]> {
  const done: Run[] = [];
  for (let n = 1; n <= runs; n++) {
    const { seconds } = await step(`${kind.title}: ${MEASUREMENTS.create.title}, ${n} of ${runs}`, () =>
      workshop.fresh(),
    );
    done.push({ value: seconds });
  }
  return done;
}

async function runsOf({ kind, workshop, runs }: Assignment, scenario: Scenario): Promise<Run[]> {
  const isBusy = scenario.load === 'busy';
  const done: Run[] = [];
  for (let n = 1; n <= runs; n++) {
    const run = async () => {
      const system = await workshop.current(scenario.shape);
      if (isBusy && n === 1) await makeRoomForDirtyBuffers(system);
      return outageOf(system, scenario, `bench_${++tables}`);
    };
    done.push(await step(`${kind.title}: ${scenario.title}, ${n} of ${runs}`, run));
    if (scenario.mended === 'new') await workshop.discard();
  }
  // Its settings and its gigabyte are not for what comes after it.
  if (isBusy) await workshop.discard();
  return done;
}

async function showState({ kind, workshop, runs }: Assignment): Promise<Run[]> {
  const { formation } = await currentPgaf(workshop);
  return step(`${kind.title}: ${MEASUREMENTS.showState.title}`, async () => {
    const done: Run[] = [];
    for (let n = 1; n <= runs; n++) {
      const shown = await formation.onMonitor(['show', 'state']);
      if (shown.status !== 0) throw new Error(`show state failed: ${shown.stderr}`);
      done.push({ value: shown.elapsedMs / 1000 });
    }
    return done;
  });
}

async function currentPgaf(workshop: Workshop): Promise<PgafSystem> {
  const system = await workshop.current();
  if (!(system instanceof PgafSystem)) throw new Error('only pgaf has this figure');
  return system;
}
