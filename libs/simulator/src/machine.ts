import { acceptOrder } from '@pgaf/fsm/accept';
import { leaseEnd, leaseRenewed, newestWitnessed } from '@pgaf/fsm/held-lease';
import { baseEdgeTable, type EdgeTable } from '@pgaf/fsm/edge-table';
import { baseRuleBook, type RuleBook } from '@pgaf/fsm/rule-book';
import { settle } from '@pgaf/fsm/settle';
import { writeAll, type KeeperMemory, type WriteMemory } from './keeper-memory.js';
import { reportOfModel } from './model-report.js';
import { runStepOnModel } from './model-steps.js';

/** How a leader counts for how long it may take writes. */
export interface LeaseRules {
  readonly end: typeof leaseEnd;
  readonly renewed: typeof leaseRenewed;
  readonly newestWitnessed: typeof newestWitnessed;
}

/** What is under test. A test that breaks a clause of the design on purpose puts something else in its place. */
export interface Machine {
  readonly book: RuleBook;
  readonly edges: EdgeTable;
  /** What the monitor makes of a snapshot. */
  readonly settle: typeof settle;
  /** What a keeper takes of an order. */
  readonly accept: typeof acceptOrder<KeeperMemory>;
  readonly runStep: typeof runStepOnModel;
  /** What a keeper says of its node. */
  readonly report: typeof reportOfModel;
  /** Whether a keeper opens Postgres for writes from a cold start. */
  readonly opens: (when: 'confirmed' | 'unconfirmed') => boolean;
  readonly lease: LeaseRules;
  /** What a keeper's state file keeps. */
  readonly write: WriteMemory;
  /** What the monitor holds against a decision in the transaction that commits it. */
  readonly aborts: AbortReasons;
  /** When the monitor takes a session for the one that the keeper has. */
  readonly sessionBegins: 'beforeItsFirstReport' | 'withItsFirstReport';
}

/** Each is a reason to give a decision up at its commit; a test that leaves one out breaks the monitor. */
export interface AbortReasons {
  /** Another service has opened a term since. */
  readonly termIsOver: boolean;
  /** A promotion: one of the nodes that it is about was heard of since. */
  readonly nodeHasReported: boolean;
}

export function realMachine(): Machine {
  return {
    book: baseRuleBook(),
    edges: baseEdgeTable(),
    settle,
    accept: acceptOrder<KeeperMemory>,
    runStep: runStepOnModel,
    report: reportOfModel,
    opens: (when) => when === 'confirmed',
    lease: { end: leaseEnd, renewed: leaseRenewed, newestWitnessed },
    write: writeAll,
    aborts: { termIsOver: true, nodeHasReported: true },
    sessionBegins: 'beforeItsFirstReport',
  };
}
