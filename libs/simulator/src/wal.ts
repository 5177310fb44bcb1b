/**
 * One timeline as it really came to be: two promotions on two nodes make two, whatever their numbers. Positions are
 * bytes, as numbers.
 */
export interface Branch {
  readonly tli: number;
  readonly parent: Branch | null;
  /** Where it left its parent. */
  readonly switchpoint: number;
  /** The epoch that it was opened in. */
  readonly epoch: number;
  /** The greatest position on it of a commit that was acknowledged. */
  acknowledged: number;
}

export function rootBranch(epoch: number): Branch {
  return { tli: 1, parent: null, switchpoint: 0, epoch, acknowledged: 0 };
}

export function branchFrom(parent: Branch, switchpoint: number, epoch: number, above: number): Branch {
  return { tli: Math.max(parent.tli, above) + 1, parent, switchpoint, epoch, acknowledged: 0 };
}

/** As a keeper reads it from a history file: where the line parted from one that goes on up to the timeline `tli`. */
export function leftAt(tip: Branch, tli: number): number {
  let left = tip;
  for (let at = tip; at.parent; at = at.parent) if (at.parent.tli >= tli || at === tip) left = at;
  return left.switchpoint;
}

/** The last position of `branch` that belongs to the history of `tip` at `end`; -1 when none does. */
export function sharedUpTo(branch: Branch, tip: Branch, end: number): number {
  let limit = end;
  for (let at: Branch | null = tip; at; at = at.parent) {
    if (at === branch) return limit;
    limit = Math.min(limit, at.switchpoint);
  }
  return -1;
}

/** True when all WAL up to `end` on `branch` is part of the history of `tip` at `tipEnd`. */
export function isPrefix(branch: Branch, end: number, tip: Branch, tipEnd: number): boolean {
  return end <= sharedUpTo(branch, tip, tipEnd);
}
