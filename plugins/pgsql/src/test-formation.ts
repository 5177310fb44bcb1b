import type { FormationPlan } from '@pgaf/plugin-api/test-formation';

export interface PgsqlOptions {
  /** A primary and its standbys; 2 unless told. */
  readonly nodes?: number;
  readonly numberSyncStandbys?: number;
  /** `app` unless told. */
  readonly dbname?: string;
  readonly image?: string;
}

/**
 * A formation of plain Postgres for a test: `node1`, the first primary, `node2`, …
 * @throws RangeError for a number of nodes that is none.
 */
export function pgsql(options: PgsqlOptions = {}): FormationPlan {
  const { nodes = 2, dbname = 'app', image = 'pgaf:15', numberSyncStandbys } = options;
  if (!Number.isInteger(nodes) || nodes < 1) throw new RangeError(`a formation has no ${nodes} nodes`);
  return {
    kind: 'pgsql',
    image,
    dbname,
    ...(numberSyncStandbys === undefined ? {} : { numberSyncStandbys }),
    nodes: Array.from({ length: nodes }, (_, index) => ({ name: `node${index + 1}`, role: 'postgres' })),
  };
}
