import { canTakeWrites, type State } from '@pgaf/core/states';

/** The part of an assignment that a node must be able to refuse. */
export interface Order {
  readonly epoch: number;
  readonly goal: State;
  /** The node that the epoch was given to; null when an operator has given it up since. */
  readonly leader: number | null;
}

/** What a node has persisted of the orders it took and the oaths it gave. */
export interface Sworn {
  readonly nodeId: number;
  /** The highest epoch accepted. */
  readonly epoch: number;
  /** To whom that was given, as the last order said; absent before the first one. */
  readonly leader?: number | null;
  /** This node streams from no epoch below, and opens for writes in none. 0 when it never promised. */
  readonly promised: number;
  /** Postgres is stopped and stays so below that epoch; null when it may run. */
  readonly stopped: { readonly belowEpoch: number } | null;
  readonly goal: State;
}

export type Verdict<S extends Sworn> =
  { readonly tag: 'accepted'; readonly state: S } | { readonly tag: 'refused'; readonly reason: string };

/** In `fast_forward` it receives from who has promised as well. */
const FOLLOWS: ReadonlySet<State> = new Set(['catchingup', 'secondary', 'join_secondary']);

/**
 * Whether the node may take an order, given what it has persisted. Accepting never lowers the epoch, breaks
 * a promise, or opens a stopped node for writes in the epoch it stopped in.
 */
export function acceptOrder<S extends Sworn>(state: S, order: Order): Verdict<S> {
  if (order.epoch < state.epoch) {
    return refused(`the monitor speaks of epoch ${order.epoch}, this node has seen epoch ${state.epoch}`);
  }
  if (FOLLOWS.has(order.goal) && order.epoch < state.promised) {
    return refused(`promised not to follow below epoch ${state.promised}, asked to in epoch ${order.epoch}`);
  }
  if (canTakeWrites(order.goal)) {
    if (order.leader !== state.nodeId) {
      return refused(`epoch ${order.epoch} belongs to node ${order.leader ?? 'none'}, not to this one`);
    }
    const fence = Math.max(state.stopped?.belowEpoch ?? 0, state.promised);
    if (order.epoch < fence) {
      return refused(`will not take writes below epoch ${fence}, asked to in epoch ${order.epoch}`);
    }
  }
  return { tag: 'accepted', state: { ...state, epoch: order.epoch, leader: order.leader, goal: order.goal } };
}

function refused(reason: string): { readonly tag: 'refused'; readonly reason: string } {
  return { tag: 'refused', reason };
}
