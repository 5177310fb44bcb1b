import type { Milliseconds } from '@pgaf/core/durations';
import type { Lsn } from '@pgaf/core/lsn';

/**
 * What came of receiving from the nodes that the monitor named; a value, replaced at each try. Instants are those of the
 * steady clock.
 */
export interface SourceTries {
  /** The source of the last try, and how many in a row brought nothing from it. */
  readonly source: number | null;
  readonly inVain: number;
  /** When a source was found to give nothing, by node id. */
  readonly failedAt: ReadonlyMap<number, Milliseconds>;
}

export const NO_TRIES: SourceTries = { source: null, inVain: 0, failedAt: new Map() };

/** So many tries of a second each, so that another source, or another candidate, is chosen. */
const TRIES = 3;
/** A network that was cut may be mended. */
const FORGOTTEN_AFTER: Milliseconds = 10_000;

/** What a try has brought; `unknown` while the local Postgres said nothing of what it had. */
export function outcomeOf(had: Lsn | null, received: Lsn): 'received' | 'nothing' | 'unknown' {
  if (had === null) return 'unknown';
  return received > had ? 'received' : 'nothing';
}

export function tried(
  tries: SourceTries,
  source: number,
  outcome: ReturnType<typeof outcomeOf>,
  now: Milliseconds,
): SourceTries {
  if (outcome === 'unknown') return tries;
  const before = tries.source === source ? tries.inVain : 0;
  const inVain = outcome === 'nothing' ? before + 1 : 0;
  if (inVain < TRIES) return { ...tries, source, inVain };
  return { source, inVain: 0, failedAt: new Map([...tries.failedAt, [source, now]]) };
}

/** The sources that were tried in vain lately. */
export function sourcesInVain({ failedAt }: SourceTries, now: Milliseconds): number[] {
  return [...failedAt].filter(([, at]) => now - at < FORGOTTEN_AFTER).map(([source]) => source);
}
