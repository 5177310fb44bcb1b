import type { Milliseconds } from '@pgaf/core/durations';
import type { Client } from 'pg';

/** What the client knows of one insert, which it sent exactly once. */
export interface Attempt {
  readonly id: number;
  /** On the clock of `performance.now()`. */
  readonly sentAt: Milliseconds;
  readonly answeredAt: Milliseconds;
  /** `warned`: success with a warning, so the row may be nowhere else. `failed`: it may be there or not. */
  readonly outcome: 'acknowledged' | 'warned' | 'failed';
  readonly error?: string;
}

export interface Outage {
  readonly ms: Milliseconds;
  /** When the last commit before the gap was acknowledged. */
  readonly from: Milliseconds;
  readonly to: Milliseconds;
}

export interface Verdict {
  readonly acknowledged: number;
  /** Acknowledged, and not in the table. */
  readonly lost: readonly number[];
  /** In the table more than once. */
  readonly duplicated: readonly number[];
  /** In the table, and never sent by this writer. */
  readonly foreign: readonly number[];
}

/** The longest gap between two acknowledged commits of those acknowledged at or after `since`. */
export function longestOutage(history: readonly Attempt[], since: Milliseconds = 0): Outage {
  let longest: Outage = { ms: 0, from: since, to: since };
  let last: number | undefined;
  for (const attempt of history) {
    if (attempt.outcome !== 'acknowledged' || attempt.answeredAt < since) continue;
    if (last !== undefined && attempt.answeredAt - last > longest.ms) {
      longest = { ms: attempt.answeredAt - last, from: last, to: attempt.answeredAt };
    }
    last = attempt.answeredAt;
  }
  return longest;
}

/** Compares what the client was told with what the table holds, given as id → number of rows. */
export function judge(history: readonly Attempt[], rows: ReadonlyMap<number, number>): Verdict {
  const sent = new Set(history.map((attempt) => attempt.id));
  const acknowledged = history.filter((attempt) => attempt.outcome === 'acknowledged');
  return {
    acknowledged: acknowledged.length,
    lost: acknowledged.map((attempt) => attempt.id).filter((id) => !rows.has(id)),
    duplicated: [...rows].filter(([, count]) => count > 1).map(([id]) => id),
    foreign: [...rows.keys()].filter((id) => !sent.has(id)),
  };
}

/** Reads the writer's table and judges the history by it. */
export async function checkHistory(
  client: Client,
  history: readonly Attempt[],
  table: string,
): Promise<Verdict> {
  const answer = await client.query<{ id: string; count: string }>(
    `SELECT id, count(*) FROM ${client.escapeIdentifier(table)} GROUP BY id`,
  );
  return judge(history, new Map(answer.rows.map((row) => [Number(row.id), Number(row.count)])));
}
