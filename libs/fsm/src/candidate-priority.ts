import { refuse, SQLSTATE, type Refusal } from './command-decision.js';
import { designate } from './group.js';
import type { NodeSnapshot } from './vocabulary.js';

export const HIGHEST_PRIORITY = 100;

/** Null when the node may have this priority. */
export function refusePriority(node: NodeSnapshot, priority: number): Refusal | null {
  if (!Number.isInteger(priority) || priority < 0 || priority > HIGHEST_PRIORITY) {
    return refuse(
      SQLSTATE.invalidParameterValue,
      `the candidate priority of ${designate(node)} cannot be ${priority}`,
      {
        hint: `Give a whole number from 0, which keeps it from being promoted, to ${HIGHEST_PRIORITY}.`,
      },
    );
  }
  if (isReadReplica(node) && priority !== 0) {
    return refuse(
      SQLSTATE.invalidParameterValue,
      `the candidate priority of ${designate(node)} must be 0: it is a read replica`,
      {
        detail: `It belongs to the cluster "${node.cluster}".`,
        hint: 'Only a node of the cluster "default" can take over.',
      },
    );
  }
  return null;
}

/** It serves reads alone, of a cluster of its own. */
export function isReadReplica({ cluster }: NodeSnapshot): boolean {
  return cluster !== 'default';
}
