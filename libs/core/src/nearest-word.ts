/** The candidate that a mistyped word was meant to be; null when none is close. */
export function nearestWord(typed: string, candidates: readonly string[]): string | null {
  const limit = Math.min(2, Math.floor(typed.length / 3));
  const [best] = candidates
    .map((candidate) => ({ candidate, distance: editDistance(typed, candidate) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  return best?.candidate ?? null;
}

/** Letters to insert, remove, replace, or swap with the next one, at least, to make one of the other. */
function editDistance(from: string, to: string): number {
  let [before, row]: [number[], number[]] = [[], Array.from({ length: to.length + 1 }, (_, index) => index)];
  for (let y = 1; y <= from.length; y++) {
    const next = [y];
    for (let x = 1; x <= to.length; x++) {
      const replaced = (row[x - 1] ?? 0) + (from[y - 1] === to[x - 1] ? 0 : 1);
      const least = Math.min(replaced, (row[x] ?? 0) + 1, (next[x - 1] ?? 0) + 1);
      const isSwap = y > 1 && x > 1 && from[y - 1] === to[x - 2] && from[y - 2] === to[x - 1];
      next.push(isSwap ? Math.min(least, (before[x - 2] ?? 0) + 1) : least);
    }
    [before, row] = [row, next];
  }
  return row.at(-1) ?? 0;
}
