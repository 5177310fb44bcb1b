import type { Milliseconds } from '@pgaf/core/durations';

/**
 * How long a node waited for a goal, and since what: an operator's order, which is a command with a session of its own,
 * or a report, which needs no more than a decision.
 */
export interface Delay {
  readonly since: 'order' | 'report';
  readonly goal: string;
  readonly ms: Milliseconds;
}

/** What decisions answer to: an order, or a report that says something new. Instants are ms since 1970. */
export interface Cause {
  readonly since: Delay['since'];
  /** When there was something to say. */
  readonly at: Milliseconds;
  /** Later, where the answer to a report before was waited for. */
  readonly saidAt: Milliseconds;
}

/** A goal of a node, and when it was decided, or the node was told; ms since 1970. */
export interface GoalAt {
  readonly node: number;
  readonly goal: string;
  readonly at: Milliseconds;
}

/**
 * From what was said last before a decision to the first word of it to its node. What was decided before anything was said
 * counts for nothing. Of one group, each in the order of time.
 * @throws Error when a goal was never told: clocks that differ look like that
 */
export function delaysOf(
  causes: readonly Cause[],
  decided: readonly GoalAt[],
  told: readonly GoalAt[],
): readonly Delay[] {
  return decided.flatMap(({ node, goal, at }, n) => {
    const cause = causes.findLast(({ saidAt }) => saidAt <= at);
    if (!cause) return [];
    const next = decided.find((later, m) => m > n && later.node === node)?.at ?? Infinity;
    const heard = told.find(
      (word) => word.node === node && word.goal === goal && word.at >= at && word.at < next,
    );
    if (!heard) throw new Error(`node ${node} was never told of its goal ${goal}`);
    return [{ since: cause.since, goal, ms: heard.at - cause.at }];
  });
}

const SINCE = { order: 'since an order', report: 'since a report' } as const;

/** The least value that as many of the values do not exceed. @param part Of all of them: 0.99 for 99 of 100. */
export function percentile(values: readonly Milliseconds[], part: number): Milliseconds {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.ceil(sorted.length * part) - 1];
  if (value === undefined) throw new RangeError('nothing was measured');
  return value;
}

/** A line for all of them, one for what each is since, and one for each goal, the slowest first. */
export function describeDelays(delays: readonly Delay[]): readonly string[] {
  const some = (name: string, chosen: readonly Delay[]) => ({ name, values: chosen.map(({ ms }) => ms) });
  const nameOf = ({ since, goal }: Delay) => `${goal}, ${SINCE[since]}`;
  const goals = [...new Set(delays.map(nameOf))]
    .map((name) =>
      some(
        name,
        delays.filter((delay) => nameOf(delay) === name),
      ),
    )
    .sort((a, b) => percentile(b.values, 1) - percentile(a.values, 1));
  const causes = (['order', 'report'] as const).map((cause) =>
    some(
      SINCE[cause],
      delays.filter(({ since }) => since === cause),
    ),
  );
  return [some('all', delays), ...causes, ...goals]
    .filter(({ values }) => values.length > 0)
    .map(({ name, values }) => {
      const at = (part: number) => percentile(values, part).toFixed(1);
      return `${name}: ${values.length} goals, median ${at(0.5)} ms, 99 of 100 ${at(0.99)} ms, all ${at(1)} ms`;
    });
}
