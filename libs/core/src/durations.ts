/** Milliseconds; every duration and instant in pgaf is one. */
export type Milliseconds = number;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const TEXT = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)?\s*$/;

/**
 * Reads `4s`, `1500ms`, `2 min`; a bare number counts in `unit`.
 * @throws RangeError when the text is no duration.
 */
export function parseDuration(text: string, unit: 'ms' | 's' = 's'): Milliseconds {
  const parts = TEXT.exec(text);
  if (!parts) throw new RangeError(`"${text}" is not a duration such as 4s or 1500ms`);
  return Number(parts[1]) * (UNITS[parts[2] ?? unit] ?? 1);
}

/** `350 ms`, `4 s`, `1.5 s`: the shortest form that a person reads at a glance. */
export function formatDuration(ms: Milliseconds): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${Number((ms / 1000).toFixed(1))} s`;
}
