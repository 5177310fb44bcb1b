import type { FormationPlan, PlannedNode } from '@pgaf/plugin-api/test-formation';

export interface CitusOptions {
  /** Worker groups; 2 unless told. */
  readonly workers?: number;
  /** Standbys of the coordinator and of each worker group; 1 unless told. */
  readonly standbys?: number;
  /** `citus` unless told. */
  readonly dbname?: string;
  readonly image?: string;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

function groupOf(role: string, stem: string, group: number, standbys: number): PlannedNode[] {
  return [...LETTERS.slice(0, standbys + 1)].map((letter) => ({
    name: `${stem}${group}${letter}`,
    role,
    group,
  }));
}

/**
 * A Citus formation for a test: `coord0a`, `coord0b`, `worker1a`, `worker1b`, …
 * @throws RangeError for numbers that are none.
 */
export function citus(options: CitusOptions = {}): FormationPlan {
  const { workers = 2, standbys = 1, dbname = 'citus', image = 'pgaf-citus:15' } = options;
  if (!Number.isInteger(workers) || workers < 0)
    throw new RangeError(`a formation has no ${workers} worker groups`);
  if (!Number.isInteger(standbys) || standbys < 0 || standbys >= LETTERS.length)
    throw new RangeError(`a group has no ${standbys} standbys`);
  const groups = Array.from({ length: workers }, (_, index) =>
    groupOf('worker', 'worker', index + 1, standbys),
  );
  return {
    kind: 'citus',
    image,
    dbname,
    nodes: [...groupOf('coordinator', 'coord', 0, standbys), ...groups.flat()],
  };
}
