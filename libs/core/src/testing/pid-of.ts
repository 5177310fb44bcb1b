/**
 * The process that was found. A test that found none fails here: a signal to 0 goes to every process of its own group.
 */
export function pidOf(found: { readonly pid: number } | null | undefined): number {
  if (!found) throw new RangeError('there is no such process');
  return found.pid;
}
