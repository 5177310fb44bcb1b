import type { Json } from '@pgaf/core/json';
import type { RuleBook } from './rule-book.js';
import { settle, type Settled, type Transition } from './settle.js';
import type { GroupSnapshot } from './vocabulary.js';

export interface Refusal {
  readonly tag: 'refused';
  readonly sqlstate: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
}

export interface Accepted {
  readonly tag: 'accepted';
  readonly settled: Settled;
  readonly answer: Json;
  /** What the operator should know besides, a sentence. */
  readonly notice?: string;
}

export type CommandDecision = Accepted | Refusal;

/**
 * Those of the reference; `internalError` is what it raises without a code of its own. `notYet` is object_in_use: what the
 * group does now ends by itself, and the same order is worth another try then.
 */
export const SQLSTATE = {
  internalError: 'XX000',
  notInPrerequisiteState: '55000',
  notYet: '55006',
  undefinedObject: '42704',
  invalidParameterValue: '22023',
  raiseException: 'P0001',
} as const;

/** The group as the command changes it, with the goals that it orders, and what follows from both. */
export function accept(
  changed: GroupSnapshot,
  ordered: { readonly transitions?: readonly Transition[]; readonly removed?: readonly number[] },
  answer: Json,
  book: RuleBook,
): Accepted {
  const settled = settle(changed, book);
  return {
    tag: 'accepted',
    answer,
    settled: {
      group: settled.group,
      transitions: [...(ordered.transitions ?? []), ...settled.transitions],
      removed: [...(ordered.removed ?? []), ...settled.removed],
      epochRaised: settled.epochRaised,
    },
  };
}

export function refuse(
  sqlstate: string,
  message: string,
  more: { detail?: string; hint?: string } = {},
): Refusal {
  return { tag: 'refused', sqlstate, message, ...more };
}

export function refuseUnknownNode(message: string): Refusal {
  return refuse(SQLSTATE.undefinedObject, message, { hint: '`pgaf show state` lists the nodes.' });
}
