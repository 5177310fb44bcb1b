import { isState, type State } from '@pgaf/core/states';
import { withGoal } from '@pgaf/fsm/group';
import { orderPromotion } from '@pgaf/fsm/settle';
import type { GroupSnapshot } from '@pgaf/plugin-api/snapshot';

/** An edge that a node passes: `from->to`. */
export type Way = `${State}->${State}`;

/** One stretch of a story: what happens, what is ordered, and the edge that each node passes in answer. */
export interface Leg {
  readonly 1?: Way;
  readonly 2?: Way;
  readonly 3?: Way;
  /** This node registers first. */
  readonly joins?: number;
  /** The next epoch is given to this node. */
  readonly promotes?: number;
  /** An operator wants this node to take over. */
  readonly target?: number;
  /** The node that fast-forwards receives from this one. */
  readonly source?: number;
  /** Every process of this node is killed before the order, and its keeper is started after it. */
  readonly killed?: number;
  /** This node writes what no standby waits for, before the order. */
  readonly writes?: number;
}

export interface Move {
  readonly node: number;
  readonly from: State;
  readonly to: State;
}

export function movesOf(leg: Leg): Move[] {
  return ([1, 2, 3] as const).flatMap((node) => {
    const [from, to] = leg[node]?.split('->') ?? [];
    return from && to && isState(from) && isState(to) ? [{ node, from, to }] : [];
  });
}

/** The order that the leg begins with, as the monitor would commit it. */
export function ordered(group: GroupSnapshot, leg: Leg): GroupSnapshot {
  const moved = movesOf(leg).reduce((before, { node, to }) => withGoal(before, node, to), group);
  const promoted = leg.promotes === undefined ? moved : orderPromotion(moved, leg.promotes);
  return { ...promoted, switchoverTarget: leg.target ?? null, walSource: leg.source ?? null };
}
