import type { Milliseconds } from '@pgaf/core/durations';
import { canTakeWrites, handsOver } from '@pgaf/core/states';
import type { State } from '@pgaf/core/states';
import { isApartFromLeader } from './apart.js';
import { isConverged, leaderOf } from './group.js';
import { isSilent } from './health.js';
import { outlookOf, type Outlook } from './outlook.js';
import { revivalOf } from './remedies.js';
import type { RuleBook } from './rule-book.js';
import { whatFailoverWaitsFor } from './waiting.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

/** Why a group is as it is, and what would become of it. Data; explain-text.ts has the words. */
export interface Explanation {
  readonly group: GroupSnapshot;
  readonly nodes: readonly NodeExplanation[];
  readonly outlook: Outlook;
  /** As in `show state`: why nobody takes writes, or is about to. */
  readonly waiting: readonly string[];
}

export interface NodeExplanation {
  readonly node: NodeSnapshot;
  /** Null: nothing, it is where it is to be. */
  readonly waitsFor: Awaited | null;
  /** Since when it waits for that, or else is in its state; null before its first report. */
  readonly since: Milliseconds | null;
  /** Null: no rule has moved it since it was registered. */
  readonly moved: Move | null;
}

/** The rule that gave a node its goal. */
export interface Move {
  readonly rule: string;
  readonly because: string;
  readonly at: Milliseconds;
}

export type Awaited =
  | { readonly for: 'firstReport' | 'report' | 'start' | 'resume' | 'health' | 'primary' | 'stream' }
  | { readonly for: 'standby' | 'election' | 'order' | 'successor' | 'operator' }
  /** Its Postgres cannot be started, or its keeper cannot get where it is told to: in the keeper's words, if it has any. */
  | { readonly for: 'postgres' | 'keeper'; readonly because: string | null }
  /** Bytes that the primary is ahead. */
  | { readonly for: 'wal'; readonly bytes: number };

/** @param moves By node id. */
export function explain(
  group: GroupSnapshot,
  book: RuleBook,
  moves: ReadonlyMap<number, Move> = new Map(),
): Explanation {
  return {
    group,
    nodes: group.nodes.map((node) => {
      const waitsFor = awaitedOf(group, node);
      const moved = moves.get(node.id) ?? null;
      return { node, waitsFor, since: sinceWhen(node, waitsFor), moved };
    }),
    outlook: outlookOf(group, book),
    waiting: whatFailoverWaitsFor(group),
  };
}

/** What the monitor waits for of a node that is in the state that it was told to be in. */
const AT_REST: Readonly<Partial<Record<State, Awaited>>> = {
  wait_primary: { for: 'standby' },
  wait_standby: { for: 'primary' },
  demoted: { for: 'primary' },
  report_lsn: { for: 'election' },
  fast_forward: { for: 'election' },
  prepare_promotion: { for: 'order' },
  maintenance: { for: 'operator' },
};

function awaitedOf(group: GroupSnapshot, node: NodeSnapshot): Awaited | null {
  const { report, reported, goal } = node;
  if (report.at === null) return { for: 'firstReport' };
  const because = report.facts.waitingFor ?? null;
  switch (revivalOf(group, node)?.do) {
    case 'start':
      return { for: isSilent(group, node) ? 'report' : 'start' };
    case 'resume':
      return { for: 'resume' };
    case 'mendPostgres':
      return { for: 'postgres', because };
    case 'connect':
      return { for: 'health' };
  }
  if (isApartFromLeader(group, node)) return { for: 'stream' };
  if (reported !== goal) return { for: 'keeper', because };
  if (handsOver(goal)) return { for: 'successor' };
  const leader = leaderOf(group);
  if (isConverged(node, 'catchingup', 'join_secondary')) {
    if (!leader || !canTakeWrites(leader.reported)) return { for: 'primary' };
    const bytes = Number(leader.report.lsn - report.lsn);
    return because === null && bytes > 0 ? { for: 'wal', bytes } : { for: 'keeper', because };
  }
  return AT_REST[goal] ?? (because === null ? null : { for: 'keeper', because });
}

function sinceWhen({ report, seen, changedAt }: NodeSnapshot, waitsFor: Awaited | null): Milliseconds | null {
  if (waitsFor?.for === 'report') return report.at;
  if (waitsFor?.for === 'health') return seen.healthSince;
  return report.at === null ? null : changedAt;
}
