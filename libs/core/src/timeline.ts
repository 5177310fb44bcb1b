import type { Lsn } from './lsn.js';

/** One promotion: the epoch it opened, the timeline it made, and where that left its parent. */
export interface Promotion {
  readonly epoch: number;
  readonly tli: number;
  /** Null while the promoted node has not reported it yet, and for the timeline of initdb. */
  readonly switchpoint: Lsn | null;
}

/** True when WAL is here that the group left behind when it went on to a later timeline. */
export function hasDiverged(
  local: { readonly timeline: number; readonly lsn: Lsn },
  lineage: readonly Promotion[],
): boolean {
  const next = lineage.find((promotion) => promotion.tli > local.timeline);
  return next !== undefined && next.switchpoint !== null && local.lsn > next.switchpoint;
}
