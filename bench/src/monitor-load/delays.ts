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
