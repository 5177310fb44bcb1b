import type { State } from '@pgaf/core/states';
import type { Step, StepName } from './steps.js';

/** One row of the keeper's table: how a node gets from a reported state to an assigned one. */
export interface KeeperEdge {
  readonly from: State;
  readonly to: State;
  readonly steps: readonly Step[];
}

/** A plugin's change to one edge, for nodes of these roles (all roles of the kind when absent). */
export interface EdgePatch {
  readonly from: State;
  readonly to: State;
  readonly roles?: readonly string[];
  readonly place: 'before' | 'instead' | 'after';
  /** The step of the edge that the place is counted from; the whole edge when absent. */
  readonly of?: StepName;
  readonly steps: readonly Step[];
}
