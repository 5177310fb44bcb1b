import type { State } from '@pgaf/core/states';
import type { GroupSnapshot, NodeSnapshot } from './snapshot.js';

/** What a rule asks of one node. Every field that is present must hold. */
export interface NodePattern {
  readonly reported?: readonly State[];
  readonly goal?: readonly State[];
  /** Reported and goal are the same state, one of these. */
  readonly converged?: readonly State[];
  /** `present` is not lost; `healthy` asks for more; see libs/fsm/src/health.ts. */
  readonly health?: 'healthy' | 'present' | 'lost' | 'silent';
  readonly quorum?: boolean;
  /** True: may be elected (candidate priority above 0). */
  readonly candidate?: boolean;
}

/**
 * Whom a rule is about: `leader`, the node that the epoch was given to; `follower`, each other node;
 * `node`, each node of either sort.
 */
export type Subject = 'leader' | 'follower' | 'node';

/** What a guard may look at. `leader` is null when the group has none. */
export interface GuardContext {
  readonly group: GroupSnapshot;
  readonly subject: NodeSnapshot;
  readonly leader: NodeSnapshot | null;
}

/** A condition that is more than a pattern: a pure function of its own, referred to by name. */
export type Guard = (context: GuardContext) => boolean;

export interface Assignment {
  readonly subject?: State;
  readonly leader?: State;
  /** Every follower but the subject that matches the pattern. */
  readonly followers?: { readonly matching: NodePattern; readonly goal: State };
}

/** What a rule does besides assigning goals; carried out in the same transaction. */
export type Effect =
  /** Raise the epoch and give it to the subject: the one-way door of the promotion rule. */
  | 'orderPromotion'
  /** Delete the subject's row. */
  | 'removeNode'
  /** A switchover to the best candidate begins; to nobody when there is none. */
  | 'beginSwitchover'
  /** The switchover under way is over, done or given up. */
  | 'endSwitchover'
  /** The subject receives what it lacks from the node that has most of those that promised. */
  | 'chooseSource';

/**
 * One row of the monitor's rule table. The first row that matches and changes something wins; position is
 * meaning. An id never changes once released: events, docs and plugins' patches refer to it.
 */
export interface MonitorRule {
  readonly id: string;
  readonly about: Subject;
  readonly subject?: NodePattern;
  /** The pattern of the leader; `absent` when the group must have none. */
  readonly leader?: NodePattern | 'absent';
  /** At least one other node than the subject matches. */
  readonly someOther?: NodePattern;
  /** No other node than the subject matches. */
  readonly noOther?: NodePattern;
  /** Names of guards, all of which must hold. */
  readonly guards?: readonly string[];
  readonly assign: Assignment;
  readonly effects?: readonly Effect[];
  /** Why, in one sentence: the description of the event. */
  readonly because: string;
}

/** A plugin's change to the table, at the anchor of an existing rule's id. */
export type RulePatch =
  | { readonly insertBefore: string; readonly rules: readonly MonitorRule[] }
  | { readonly insertAfter: string; readonly rules: readonly MonitorRule[] }
  | { readonly disable: string };
